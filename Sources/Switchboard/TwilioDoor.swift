// Twilio's webhooks: calls that come in, and what becomes of calls, streams and recordings.

import Archive
import Carriers
import Net
import Routing
import Signalling
import Telemetry

/// Answers Twilio.
struct TwilioDoor: Sendable {
    private let parts: SwitchboardParts
    private let answers = TwilioAnswers()

    /// The custom parameter that carries a stream token.
    static let tokenParameter = "teeline_token"
    /// How long a call may wait for its plan, in milliseconds: Twilio gives up after about 15 s, a caller sooner.
    static let planMilliseconds = 5_000

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// A call comes in. Whatever happens, the caller is told something.
    func call(_ request: HTTPRequest, usually mode: CallMode?) -> HTTPOutcome {
        let call: TwilioCall
        do throws(SignallingError) {
            call = try TwilioCall(Self.form(request))
        } catch {
            parts.log(.warning, "twilio_call_malformed", ["error": .text("\(error)")])
            return .response(fallback("malformed"))
        }
        if let known = known(call.callSid, request.target) { return .response(known) }
        parts.record(
            SwitchboardParts.row(
                request, carrier: .twilio, kind: "call.incoming", call: call.callSid,
                key: "incoming:" + call.callSid))
        switch parts.enter(.twilio, call.callSid, caller: call.from, called: call.to) {
        case .free: break
        case .busy:
            count("busy")
            return .response(Self.answer(said(parts.settings.words.busy)))
        case .draining: return .response(fallback("draining"))
        }
        var door = CallAtTheDoor(carrier: .twilio, caller: call.from, called: call.to)
        door.wishes.usualMode = mode
        door.wishes.agentID = request.parameter("agent_id").flatMap { $0.isEmpty ? nil : $0 }
        door.wishes.voiceID = request.parameter("voice_id").flatMap { $0.isEmpty ? nil : $0 }
        if door.wishes.agentID != nil { door.wishes.mode = .agent }
        let path = mode == .speech ? StreamAccess.speechPath : "/twilio/media-stream"
        let base = parts.settings.proxies.base(peer: request.remoteAddress, headers: request.headers)
        let began = MonotonicTime.now
        return .deferred(
            limitMilliseconds: Self.planMilliseconds,
            fallback: Self.answer(said(parts.settings.words.fallback))
        ) { [self, door] reply in
            parts.errands.run {
                let plan = await parts.reception.plan(for: door)
                guard MonotonicTime.now.milliseconds(since: began) < Int64(Self.planMilliseconds) else {
                    // The caller was told already that nobody can talk.
                    return reply.send(fallback("slow", of: call.callSid))
                }
                reply.send(connect(plan, call: call, base: base, path: path, askedAt: request.target))
            }
        }
    }

    /// How long Twilio may ask again for an answer that an earlier server gave, in microseconds: it waits for about 15 s
    /// (carriers.md §2.1.1).
    private static let patience: Int64 = 15_000_000

    /// What a webhook that was here before is answered: the same as then until its stream has come; then, and when its call
    /// is known to be over, nobody is connected. Nil for one that is new.
    private func known(_ callSid: String, _ target: String) -> HTTPResponse? {
        if parts.settings.authIsOff { return nil }
        if let given = answers.given(callSid, target) {
            guard parts.passes.check(given.token, carrier: .twilio) == nil else {
                return fallback("replayed")
            }
            count("again")
            return given.response
        }
        return !answers.knows(callSid) && isOld(callSid) ? fallback("replayed") : nil
    }

    /// Whether an earlier server, or this one long ago, answered call `callSid`, by what is in the archive.
    private func isOld(_ callSid: String) -> Bool {
        do throws(ArchiveError) {
            let latest = ArchiveTime.now() - Self.patience
            return try parts.archive.catalog.carrierEvents(ofCarrierCall: callSid).contains { row in
                if row.kind == "call.incoming" { return row.receivedAt < latest }
                if row.kind.hasPrefix("stream-") { return true }
                guard row.kind.hasPrefix("call."),
                    let status = TwilioCallStatus(rawValue: String(row.kind.dropFirst(5)))
                else { return false }
                return status.isFinal
            }
        } catch {
            parts.log(.error, "webhooks_unreadable", ["error": .text("\(error)")])
            return false
        }
    }

    /// TwiML that opens the stream of `call`.
    private func connect(
        _ plan: CallPlan, call: TwilioCall, base: PublicURL?, path: String, askedAt target: String
    ) -> HTTPResponse {
        guard let base, let url = base.streamURL(target: path) else {
            return fallback("no_public_url", of: call.callSid)
        }
        do {
            let token = try parts.passes.issue(carrier: .twilio, carrierCallID: call.callSid, plan: plan)
            var parameters = [(Self.tokenParameter, token.text)]
            for (name, value) in [("From", call.from), ("To", call.to)] {
                if let value { parameters.append((name, value)) }
            }
            let stream = try TwiML.Stream(
                url: url, statusCallback: base.url(target: "/twilio/stream-status"), parameters: parameters)
            var verbs = [TwiML.Verb.connect(stream)]
            // Once we have closed the stream Twilio asks what follows.
            if let next = base.url(target: "/twilio/stream-ended") { verbs.append(.redirect(url: next)) }
            let answer = TwilioAnswers.Given(response: Self.answer(TwiML(verbs)), token: token.text)
            let first = answers.remember(answer, call.callSid, target)
            if first.token != token.text, !parts.settings.authIsOff {
                parts.passes.withdraw(token.text)
                count("again")
                return first.response
            }
            count("connected")
            return answer.response
        } catch {
            parts.log(.error, "twilio_call_failed", ["error": .text("\(error)")])
            return fallback("no_token", of: call.callSid)
        }
    }

    /// A stream is over: who could not be helped is told so.
    func streamEnded(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let call = try TwilioCall(Self.form(request))
            switch parts.apologies.take(call.callSid) {
            case .busy: return .response(Self.answer(said(parts.settings.words.busy)))
            case .fallback: return .response(fallback("call_failed"))
            case nil where hadStream(call.callSid): return .response(Self.answer(TwiML([.hangup])))
            case nil: return .response(noStream(call))
            }
        } catch {
            return .response(fallback("malformed"))
        }
    }

    /// Whether call `callSid` had its stream, here or on an earlier server.
    private func hadStream(_ callSid: String) -> Bool {
        if parts.apologies.knowsStream(callSid) { return true }
        var filter = CallFilter()
        filter.callID = callSid
        filter.carrier = Carrier.twilio.rawValue
        do throws(ArchiveError) {
            return try !parts.archive.catalog.list(filter, limit: 1).items.isEmpty
        } catch {
            parts.log(.error, "call_unreadable", ["error": .text("\(error)")])
            return false
        }
    }

    /// The stream of `call` was refused or never came: an upgrade does not say of which call it is, so that nobody could tell
    /// the caller before.
    private func noStream(_ call: TwilioCall) -> HTTPResponse {
        parts.passes.leave(.twilio, call.callSid)
        switch parts.floor.room(caller: nil, called: nil) {
        case .busy:
            count("busy")
            return Self.answer(said(parts.settings.words.busy))
        case .draining: return fallback("draining")
        case .free: return fallback("no_stream")
        }
    }

    /// What Twilio tells of a stream.
    func streamStatus(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let status = try TwilioStreamStatus(Self.form(request))
            let event = status.event?.rawValue ?? "stream-unknown"
            let row = SwitchboardParts.row(
                request, carrier: .twilio, kind: event, call: status.callSid,
                key: "stream:\(status.streamSid ?? ""):\(event)")
            if status.event == .error {
                parts.log(
                    .warning, "twilio_stream_error", ["code": .number(Int64(status.errorCode ?? 0))])
            }
            return parts.whenKept(row, HTTPResponse(status: 204))
        } catch {
            return .response(TelephoneSwitchboard.problem(400, "malformed"))
        }
    }

    /// What Twilio tells of a call: an outbound one goes on, a live one may be over.
    func callStatus(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let progress = try TwilioCallProgress(Self.form(request))
            let status = progress.call.status?.rawValue ?? "unknown"
            let row = SwitchboardParts.row(
                request, carrier: .twilio, kind: "call." + status, call: progress.call.callSid,
                key: "call:\(progress.call.callSid):\(progress.sequence ?? -1):\(status)")
            if let status = progress.call.status {
                parts.dialWent(
                    .twilio, dial: request.parameter("dial"), carrierCallID: progress.call.callSid,
                    to: Self.state(status),
                    cause: status.isFinal ? status.rawValue : nil)
                if status.isFinal {
                    _ = parts.floor.carrierHungUp(.twilio, carrierCallID: progress.call.callSid)
                }
            }
            return parts.whenKept(row, HTTPResponse(status: 204))
        } catch {
            return .response(TelephoneSwitchboard.problem(400, "malformed"))
        }
    }

    /// What Twilio tells of a recording it makes.
    func recordingStatus(_ request: HTTPRequest) -> HTTPOutcome {
        do throws(SignallingError) {
            let status = try TwilioRecordingStatus(Self.form(request))
            let word = status.status ?? "unknown"
            let row = SwitchboardParts.row(
                request, carrier: .twilio, kind: "recording." + word, call: status.callSid,
                key: "recording:\(status.recordingSid):\(word)")
            return parts.whenKept(row, HTTPResponse(status: 204))
        } catch {
            return .response(TelephoneSwitchboard.problem(400, "malformed"))
        }
    }

    // MARK: Answers

    /// TwiML that tells the caller why nobody talks, and hangs up. Call `callSid`, if it is told, needs its place no more.
    private func fallback(_ cause: String, of callSid: String? = nil) -> HTTPResponse {
        if let callSid { parts.passes.leave(.twilio, callSid) }
        count("fallback_" + cause)
        parts.log(.warning, "twilio_fallback", ["cause": .text(cause)])
        return Self.answer(said(parts.settings.words.fallback))
    }

    private func said(_ text: String) -> TwiML {
        TwiML([.say(text, language: parts.settings.words.language), .hangup])
    }

    static func answer(_ document: TwiML) -> HTTPResponse {
        HTTPResponse(
            status: 200, headers: [("Content-Type", TwiML.contentType), ("Cache-Control", "no-store")],
            body: .bytes(document.bytes))
    }

    private func count(_ outcome: String) {
        parts.metrics.add(
            "teeline_incoming_calls_total",
            labels: MetricsRegistry.label("carrier", "twilio") + ","
                + MetricsRegistry.label("outcome", outcome))
    }

    /// The fields of a request: its form, or its query for GET.
    static func form(_ request: HTTPRequest) throws(SignallingError) -> FormFields {
        if request.method == "GET" { return FormFields(request.query) }
        guard let form = FormFields(request.body) else { throw .malformed }
        return form
    }

    /// How far an outbound call is by Twilio's word.
    static func state(_ status: TwilioCallStatus) -> DialState {
        switch status {
        case .queued, .initiated: .queued
        case .ringing: .ringing
        case .inProgress: .answered
        case .completed: .completed
        case .busy: .busy
        case .failed: .failed
        case .noAnswer: .noAnswer
        case .canceled: .canceled
        }
    }
}
