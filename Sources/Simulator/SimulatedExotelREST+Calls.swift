// How a simulated Exotel's calls go: streams, callbacks, and the Voicebot and Passthru applets of a flow.

import Carriers

/// What came of a call through the Voicebot applet.
public struct VoicebotOutcome: Sendable {
    /// The call's Sid.
    public var callSid: String
    /// The status of the resolver's answer; nil when the applet had a stream's address.
    public var resolverStatus: Int?
    /// The stream, as the carrier saw it; nil when none was opened.
    public var stream: SimulatedCallResult?
    /// The status of the Passthru applet's answer: 200 is branch A, 302 branch B; nil when there is no such applet.
    public var passthruStatus: Int?
}

extension SimulatedExotelREST {
    /// Somebody rings an ExoPhone whose flow has a Voicebot applet at `url` (a stream's address, or an http one that answers with
    /// it), and after it a Passthru applet at `passthru`. Gives what came of it.
    public func ring(
        from: String, to: String, voicebot url: String, passthru: String? = nil, flow: String = "1117620"
    ) async -> VoicebotOutcome {
        let sid = desk.random { $0.hexadecimal(digits: 31) } + "m"
        var outcome = VoicebotOutcome(callSid: sid)
        var address: String? = url
        // The query of vector exotel_http_dynamic_url.
        let fields: [(name: String, value: String)] = [
            ("CallSid", sid), ("CallFrom", from), ("CallTo", to), ("Direction", "incoming"), ("From", from),
            ("To", to), ("flow_id", flow),
        ]
        if FormText.isURL(url, ["http", "https"]) {
            let answer = await desk.send(
                "resolver", method: "GET", to: Self.adding(fields, to: url), type: "", body: [], signer: nil,
                timeoutMilliseconds: 10_000)
            outcome.resolverStatus = answer?.status ?? 0
            address = answer.flatMap { $0.status == 200 ? RESTValue($0.body)?["url"]?.text : nil }
            if address == nil { desk.fault("resolver", "was not answered with 200 and a url") }
            if !(answer?.header("Content-Type") ?? "").lowercased().hasPrefix("application/json") {
                desk.fault("resolver", "Content-Type is not JSON's")
            }
        }
        if let address {
            outcome.stream = await stream(to: address, sid, caller: from, called: to)
        }
        if let passthru {
            let failed = outcome.stream.map { if case .neverOpened = $0.end { true } else { false } } ?? true
            let seconds = outcome.stream.map { $0.samples / Int64(max($0.rate, 1)) } ?? 0
            var stream: [(name: String, value: String)] = [
                ("Stream[StreamSID]", outcome.stream?.streamID ?? ""),
                ("Stream[Status]", failed ? "failed" : "completed"), ("Stream[Duration]", String(seconds)),
                ("Stream[RecordingUrl]", settings.recordingURL ?? ""), ("Stream[StreamUrl]", address ?? ""),
                ("Stream[DisconnectedBy]", failed ? "NA" : outcome.stream?.end == .server ? "bot" : "user"),
            ]
            if failed { stream.append(("Stream[Error]", "3009 failed to establish ws conn")) }
            let kept = fields.filter { ["CallSid", "flow_id", "Direction", "From", "To"].contains($0.name) }
            // 302 is an answer here, not a place to go to (carriers.md 4.1.3).
            let url = Self.adding(kept + stream, to: passthru)
            let status = await RawRequest.get(url)
            outcome.passthruStatus = status
            desk.notes.change {
                $0.hooks.append(SentHook(event: "passthru", url: url, body: [], attempt: 1, status: status))
            }
            if ![200, 302].contains(status) {
                desk.fault("passthru", "was answered \(status), not 200 or 302")
            }
        }
        return outcome
    }

    private static func adding(_ fields: [(name: String, value: String)], to url: String) -> String {
        url + (url.contains("?") ? "&" : "?") + FormText.text(fields)
    }

    /// Carries out a call made by REST.
    func carryOut(_ sid: String, _ wanted: [String]) async {
        guard let call = calls.value[sid] else { return }
        await desk.pause(settings.farEnd.ringMilliseconds)
        var status = ["busy": FarEnd.Outcome.busy, "no-answer": .noAnswer, "failed": .fails]
            .first { $0.value == settings.farEnd.outcome }?.key
        if wanted.contains("ringing") { await tell(sid, "ringing") }
        if status == nil {
            if wanted.contains("answered") { await tell(sid, "answered") }
            if let url = call.parameters["StreamUrl"] {
                let result = await stream(to: url, sid, caller: call.from, called: call.callerID)
                calls.change { $0[sid]?.streams.append(contentsOf: result.map { [$0] } ?? []) }
            }
            status = "completed"
        }
        let last = status ?? "completed"
        calls.change {
            $0[sid]?.status = last
            $0[sid]?.ended = desk.clock()
        }
        if wanted.contains("terminal") { await tell(sid, "terminal") }
    }

    /// One bidirectional stream; a handshake that fails is tried again once (carriers.md 4.1.1).
    private func stream(to text: String, _ sid: String, caller: String, called: String) async
        -> SimulatedCallResult?
    {
        let address = ExotelStreamAddress(text)
        if let fault = address.fault { desk.fault("stream", "its address " + fault) }
        var live = SimulatedCallSettings(
            url: address.url, dialect: .exotel(rate: address.rate, spelling: settings.spelling),
            script: settings.farEnd.script, ending: settings.farEnd.ending, seed: desk.random { $0.next() })
        live.faults = settings.farEnd.faults
        live.caller = caller
        live.called = called
        live.parameters = address.parameters
        live.identity = StreamIdentity(
            streamID: desk.random { $0.hexadecimal(digits: 32) }, callID: sid, accountID: settings.account)
        if let authorization = address.authorization { live.headers = [("Authorization", authorization)] }
        active.change { $0 += 1 }
        defer { active.change { $0 -= 1 } }
        for _ in 1...2 {
            let result = await desk.network.begin(live).result(withinMilliseconds: 3_600_000)
            if case .neverOpened? = result?.end { continue }
            return result
        }
        desk.fault("stream", "its handshake failed twice")
        return nil
    }

    /// A status callback, which nobody signs (carriers.md 4.1.4).
    private func tell(_ sid: String, _ event: String) async {
        guard let call = calls.value[sid], let url = call.parameters["StatusCallback"] else { return }
        let seconds = String((call.ended ?? call.created).seconds - call.created.seconds)
        var fields: [(name: String, value: String)] = [
            ("CallSid", sid), ("EventType", event), ("DateCreated", call.created.exotel),
            ("DateUpdated", desk.clock().exotel), ("Status", call.status), ("To", call.callerID),
            ("From", call.from), ("PhoneNumberSid", call.callerID), ("StartTime", call.created.exotel),
            ("EndTime", call.ended?.exotel ?? ""), ("Direction", "outbound-api"),
            ("CustomField", call.parameters["CustomField"] ?? ""),
        ]
        if event == "terminal" {
            fields += [
                ("ConversationDuration", seconds), ("RecordingUrl", settings.recordingURL ?? ""),
                ("Legs[0][OnCallDuration]", seconds), ("Legs[0][Status]", call.status),
            ]
        }
        let (type, body) = Self.coded(fields, call.parameters["StatusCallbackContentType"])
        let answer = await desk.send(event, to: url, type: type, body: body, signer: nil)
        if !(200...299).contains(answer?.status ?? 0) {
            desk.fault("callback \(event)", "was answered \(answer?.status ?? 0)")
        }
    }

    /// `fields` in one of the three ways callbacks come.
    private static func coded(_ fields: [(name: String, value: String)], _ type: String?) -> (String, [UInt8])
    {
        switch type {
        case "application/json":
            let object = RESTValue.object(fields.map { RESTValue.Member($0.name, .text($0.value)) })
            return ("application/json", object.bytes)
        case "application/x-www-form-urlencoded":
            return ("application/x-www-form-urlencoded", Array(FormText.text(fields).utf8))
        default:
            // Multipart is what Exotel sends unless told otherwise.
            let mark = "------------------------d74496d66958873e"
            var text = ""
            for field in fields {
                text +=
                    "--\(mark)\r\nContent-Disposition: form-data; name=\"\(field.name)\"\r\n\r\n\(field.value)\r\n"
            }
            return ("multipart/form-data; boundary=\(mark)", Array((text + "--\(mark)--\r\n").utf8))
        }
    }
}
