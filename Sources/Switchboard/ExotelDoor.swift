// Exotel's webhooks: where a stream goes, how it was, and how a call went on.

import Archive
import Carriers
import Net
import Routing
import Signalling
import Telemetry

/// Answers Exotel.
///
/// Nothing can be said to a caller here: the Voicebot applet takes the address of a stream and nothing else (carriers.md
/// §4.1.1), and a stream that apologises would need the very place that is missing. A call that cannot be taken is
/// therefore answered 503, so that the flow goes on with its next applet: a Greeting, or another number.
struct ExotelDoor: Sendable {
    private let parts: SwitchboardParts

    /// How long a call may wait for its plan, in milliseconds: the handshake has to be done within 10 s (carriers.md
    /// §4.1.1), and the resolver's answer comes before it.
    static let planMilliseconds = 5_000

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// The Voicebot applet asks where the stream of a call goes.
    func streamURL(_ request: HTTPRequest) -> HTTPOutcome {
        let call: ExotelCallback
        do throws(SignallingError) {
            call = try Self.read(request)
        } catch {
            return .response(malformed(error))
        }
        parts.record(
            ExotelRecord.row(call, kind: "call.incoming", key: "incoming:\(call.callSid ?? "")"))
        let room =
            call.callSid.map { parts.enter(.exotel, $0, caller: call.from, called: call.to) }
            ?? parts.floor.room(caller: call.from, called: call.to)
        switch room {
        case .free: break
        case .busy: return .response(refusal("busy", retryAfter: 10))
        case .draining: return .response(refusal("draining", retryAfter: 30))
        }
        guard let base = parts.settings.proxies.base(peer: request.remoteAddress, headers: request.headers)
        else {
            leave(call)
            return .response(refusal("no_public_url", retryAfter: 60))
        }
        let door = Self.door(call)
        return .deferred(
            limitMilliseconds: Self.planMilliseconds, fallback: refusal("slow", retryAfter: 5, isTold: false)
        ) { [self, door] reply in
            parts.errands.run {
                let plan = await parts.reception.plan(for: door)
                let answer = address(plan, callSid: call.callSid, base: base)
                if answer.status != 200 { leave(call) }
                reply.send(answer)
            }
        }
    }

    /// A call that is not taken needs its place no more.
    private func leave(_ call: ExotelCallback) {
        if let callSid = call.callSid { parts.passes.leave(.exotel, callSid) }
    }

    /// Who is at the door. Exotel calls the number it has dialled `From`, whoever began the call (carriers.md §4.1.2).
    private static func door(_ call: ExotelCallback) -> CallAtTheDoor {
        guard call.direction?.lowercased().hasPrefix("outbound") == true else {
            return CallAtTheDoor(carrier: .exotel, caller: call.from, called: call.to)
        }
        var door = CallAtTheDoor(carrier: .exotel, caller: call.to, called: call.from)
        door.direction = .outbound
        return door
    }

    /// `{"url": …}` for the stream that is what `plan` says. Which fields the resolver is sent is not documented, so that
    /// a call may be nameless: its token then belongs to the first stream that shows it.
    private func address(_ plan: CallPlan, callSid: String?, base: PublicURL) -> HTTPResponse {
        do throws(StreamPassError) {
            let token = try parts.passes.issue(carrier: .exotel, carrierCallID: callSid, plan: plan)
            guard let url = parts.addresses.url(.exotel, token: token.text, base: base) else {
                return refusal("no_public_url", retryAfter: 60)
            }
            count("connected")
            return HTTPResponse(
                status: 200, headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
                body: .bytes(ExotelCallback.resolverAnswer(url: url)))
        } catch {
            return refusal("no_token", retryAfter: 5)
        }
    }

    /// The Passthru applet tells how a stream was. The answer is 200, which is branch A of the flow, however it was.
    func passthru(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let call = try Self.read(request)
            let status = call.stream?.status?.lowercased() ?? call.eventType?.lowercased() ?? "unknown"
            let row = ExotelRecord.row(
                call, kind: "stream." + status,
                key: "passthru:\(call.callSid ?? ""):\(call.stream?.streamID ?? ""):\(status)")
            if let stream = call.stream, status == "failed" {
                parts.log(
                    .warning, "exotel_stream_failed",
                    [
                        "code": .number(Int64(stream.errorCode ?? 0)),
                        "throttled": .number(stream.isThrottled ? 1 : 0),
                    ])
            }
            return parts.whenKept(row, HTTPResponse(status: 200))
        } catch {
            return .response(malformed(error))
        }
    }

    /// How a call went on. A placed call is known by its custom field before Exotel has told us its own id of it.
    func status(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let call = try Self.read(request)
            let event = call.eventType?.lowercased() ?? "unknown"
            let status = call.status?.lowercased() ?? "unknown"
            let row = ExotelRecord.row(
                call, kind: "call." + event,
                key: "status:\(call.callSid ?? call.customField ?? ""):\(event):\(status)")
            if let callSid = call.callSid, let state = Self.state(event: event, status: status) {
                parts.dialWent(
                    .exotel, dial: call.customField, carrierCallID: callSid, to: state,
                    cause: state.isFinal ? status : nil,
                    unanswered: state.isFinal && !Self.isTold(status) ? .failed : nil)
                if state.isFinal { _ = parts.floor.carrierHungUp(.exotel, carrierCallID: callSid) }
            }
            return parts.whenKept(row, HTTPResponse(status: 200))
        } catch {
            return .response(malformed(error))
        }
    }

    /// Whether `status` says itself how a call ended.
    static func isTold(_ status: String) -> Bool {
        ["completed", "busy", "failed", "no-answer", "canceled"].contains(status)
    }

    /// How far a call is by Exotel's word: its status, or without a known one the event. The end alone does not say that
    /// somebody had answered.
    static func state(event: String, status: String) -> DialState? {
        switch (event, status) {
        case (_, "completed"): .completed
        case (_, "busy"): .busy
        case (_, "failed"): .failed
        case (_, "no-answer"): .noAnswer
        case (_, "canceled"): .canceled
        case ("terminal", _): .completed
        case ("answered", _): .answered
        case ("ringing", _): .ringing
        case (_, "in-progress"), (_, "queued"): .queued
        default: nil
        }
    }

    // MARK: Reading and answering

    private static func read(_ request: HTTPRequest) throws(SignallingError) -> ExotelCallback {
        try ExotelCallback(
            query: request.query, contentType: request.header("Content-Type"), body: request.body)
    }

    private func malformed(_ error: SignallingError) -> HTTPResponse {
        parts.log(.warning, "exotel_webhook_malformed", ["error": .text("\(error)")])
        return TelephoneSwitchboard.problem(400, "malformed")
    }

    private func refusal(_ cause: String, retryAfter: Int, isTold: Bool = true) -> HTTPResponse {
        if isTold {
            count(cause)
            parts.log(.warning, "exotel_call_not_taken", ["cause": .text(cause)])
        }
        return TelephoneSwitchboard.problem(
            503, cause, headers: [("Retry-After", String(retryAfter))])
    }

    private func count(_ outcome: String) {
        parts.metrics.add(
            "teeline_incoming_calls_total",
            labels: MetricsRegistry.label("carrier", "exotel") + ","
                + MetricsRegistry.label("outcome", outcome))
    }
}
