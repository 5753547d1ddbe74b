// How a simulated Twilio carries a call out: ringing, TwiML, streams, callbacks.

import Carriers

extension SimulatedTwilioREST {
    /// Somebody rings `to`: its voice webhook at `url` is asked what to do, and it is done. Gives the call's SID.
    public func ring(from: String, to: String, webhook url: String, method: String = "POST") -> String {
        let sid = "CA" + desk.random { $0.hexadecimal(digits: 32) }
        var call = SimulatedTwilioCall(
            sid: sid, to: to, from: from, direction: "inbound", created: desk.clock())
        call.status = "ringing"
        calls.change { $0[sid] = call }
        desk.work { [self] in
            await follow(.address(url: url, method: method), sid)
            finish(sid, "completed")
        }
        return sid
    }

    /// Carries out a call made by REST.
    func carryOut(_ sid: String) async {
        guard let call = call(sid) else { return }
        let far = settings.farEnds[call.to] ?? settings.farEnd
        await tell(sid, "initiated")
        change(sid) { if !$0.isOver { $0.status = "ringing" } }
        await tell(sid, "ringing")
        _ = await calls.wait(milliseconds: far.ringMilliseconds) { $0[sid]?.isOver ?? true }
        guard let ringing = self.call(sid), !ringing.isOver else { return await tell(sid, "completed") }
        switch far.outcome {
        case .busy: finish(sid, "busy")
        case .noAnswer: finish(sid, "no-answer")
        case .fails: finish(sid, "failed")
        case .answers:
            change(sid) {
                guard !$0.isOver else { return }
                $0.status = "in-progress"
                $0.answered = desk.clock()
            }
            await tell(sid, "answered")
            if let directions = TwilioParameters.directions(call.parameters) { await follow(directions, sid) }
            finish(sid, "completed")
        }
        await tell(sid, "completed")
    }

    private func change(_ sid: String, _ body: (inout SimulatedTwilioCall) -> Void) {
        calls.change { if var call = $0[sid] { body(&call); $0[sid] = call } }
    }

    private func finish(_ sid: String, _ status: String) {
        change(sid) {
            guard !$0.isOver else { return }
            $0.status = status
            $0.ended = desk.clock()
        }
    }

    // MARK: TwiML

    /// Does what the TwiML says, and what redirects say after it.
    private func follow(_ first: TwilioDirections, _ sid: String) async {
        var next: TwilioDirections? = first
        while let directions = next, let call = call(sid), !call.isOver {
            next = nil
            guard let reading = await reading(directions, call) else { return }
            for fault in reading.faults { desk.fault("TwiML of the call", fault) }
            guard reading.faults.isEmpty else { return finish(sid, "failed") }
            if call.direction == "inbound", !reading.verbs.isEmpty {
                change(sid) {
                    if !$0.isOver { $0.status = "in-progress" }
                    $0.answered = desk.clock()
                }
            }
            verbs: for verb in reading.verbs {
                change(sid) { $0.verbs.append(verb.name) }
                switch verb.name {
                case "Connect":
                    for stream in verb.children { await connect(stream, sid) }
                    guard let now = self.call(sid), !now.isOver else { return }
                    if let redirect = now.redirect {
                        change(sid) { $0.redirect = nil }
                        next = redirect
                        break verbs
                    }
                    // The caller hung up: nothing of the TwiML follows.
                    if now.streams.last?.end == .asPlanned { return }
                case "Redirect":
                    next = .address(url: verb.text, method: verb.attributes["method"] ?? "POST")
                    break verbs
                case "Hangup": return
                case "Reject": return finish(sid, verb.attributes["reason"] == "busy" ? "busy" : "failed")
                default: continue
                }
            }
        }
    }

    private func reading(_ directions: TwilioDirections, _ call: SimulatedTwilioCall) async -> TwimlReading? {
        switch directions {
        case .inline(let text): return TwimlReading(Array(text.utf8))
        case .address(let url, let method):
            let form = fields(of: call)
            let body = method == "POST" ? Array(FormText.text(form).utf8) : []
            let target = method == "POST" ? url : url + (url.contains("?") ? "&" : "?") + FormText.text(form)
            let answer = await desk.send(
                "twiml", method: method, to: target, type: "application/x-www-form-urlencoded; charset=UTF-8",
                form: method == "POST" ? form : [], body: body, signer: settings.signer,
                timeoutMilliseconds: 15_000)
            guard let answer, answer.status == 200 else {
                desk.fault("TwiML of the call", "Url was answered \(answer?.status ?? 0)")
                finish(call.sid, "failed")
                return nil
            }
            let type = (answer.header("Content-Type") ?? "").prefix { $0 != ";" }.lowercased()
            if type != "text/xml", type != "application/xml" {
                desk.fault("TwiML of the call", "Content-Type is not text/xml")
            }
            return TwimlReading(answer.body)
        }
    }

    /// One `<Connect><Stream>`: blocks until the stream is over.
    private func connect(_ stream: XMLScan, _ sid: String) async {
        guard let call = call(sid), let url = stream.attributes["url"] else { return }
        let streamID = "MZ" + desk.random { $0.hexadecimal(digits: 32) }
        let far = settings.farEnds[call.to] ?? settings.farEnd
        var live = SimulatedCallSettings(
            url: url, dialect: .twilio, script: far.script, ending: far.ending,
            seed: desk.random { $0.next() })
        live.faults = far.faults
        live.tellsNumbers = false
        live.identity = StreamIdentity(streamID: streamID, callID: sid, accountID: settings.account)
        for child in stream.children {
            live.parameters[child.attributes["name"] ?? ""] = child.attributes["value"] ?? ""
        }
        let content = HookContent(method: "GET", url: url, form: [], body: [], time: desk.clock())
        live.headers = [("User-Agent", "Twilio.TmeWs/1.0")] + (settings.signer?(content) ?? [])
        let name = stream.attributes["name"] ?? streamID
        let callback = stream.attributes["statusCallback"]
        if callback != nil {
            live.opened = { [self] in
                desk.work { [self] in await tell(stream, sid, streamID, name, "stream-started") }
            }
        }
        let running = desk.network.begin(live)
        change(sid) { $0.live = running }
        // The call may have been ended while the stream was being made.
        if let now = self.call(sid), now.isOver || now.redirect != nil { running.hangUp() }
        guard let result = await running.result(withinMilliseconds: 600_000) else { return }
        change(sid) {
            $0.live = nil
            $0.streams.append(result)
        }
        let failed = if case .neverOpened = result.end { true } else { false }
        if failed { desk.fault("stream", "its upgrade was refused") }
        await tell(stream, sid, streamID, name, failed ? "stream-error" : "stream-stopped")
    }

    // MARK: Callbacks

    /// The fields every request about a call has (carriers.md 2.1.1).
    private func fields(of call: SimulatedTwilioCall) -> [(name: String, value: String)] {
        [
            ("AccountSid", settings.account), ("ApiVersion", "2010-04-01"), ("CallSid", call.sid),
            ("CallStatus", call.status), ("Called", call.to), ("Caller", call.from),
            ("Direction", call.direction), ("From", call.from), ("To", call.to),
        ]
    }

    /// A call status callback, when the call wants it.
    private func tell(_ sid: String, _ event: String) async {
        guard let call = call(sid), let url = call.first("StatusCallback"),
            (call.parameters["StatusCallbackEvent"] ?? ["completed"]).contains(event)
        else { return }
        var fields = fields(of: call).filter { $0.name != "CallStatus" }
        let status = event == "answered" ? "in-progress" : event == "completed" ? call.status : event
        fields += [
            ("CallStatus", status), ("SequenceNumber", String(call.sequence)),
            ("CallbackSource", "call-progress-events"), ("Timestamp", desk.clock().rfc2822),
        ]
        change(sid) { $0.sequence += 1 }
        if event == "completed" {
            let seconds = (call.ended?.seconds ?? 0) - (call.answered?.seconds ?? call.ended?.seconds ?? 0)
            fields += [("CallDuration", String(seconds)), ("Duration", String((seconds + 59) / 60))]
        }
        await post(event, url, fields, method: call.first("StatusCallbackMethod") ?? "POST")
    }

    /// A stream status callback, when the stream wants it (carriers.md 2.1.3).
    private func tell(_ stream: XMLScan, _ sid: String, _ streamID: String, _ name: String, _ event: String)
        async
    {
        guard let url = stream.attributes["statusCallback"] else { return }
        var fields: [(name: String, value: String)] = [
            ("AccountSid", settings.account), ("CallSid", sid), ("StreamSid", streamID), ("StreamName", name),
            ("StreamEvent", event), ("Timestamp", desk.clock().iso8601),
        ]
        if event == "stream-error" { fields.append(("StreamError", "31920")) }
        await post(event, url, fields, method: stream.attributes["statusCallbackMethod"] ?? "POST")
    }

    private func post(
        _ event: String, _ url: String, _ fields: [(name: String, value: String)], method: String
    ) async {
        let text = FormText.text(fields)
        let isPost = method == "POST"
        let answer = await desk.send(
            event, method: method, to: isPost ? url : url + (url.contains("?") ? "&" : "?") + text,
            type: "application/x-www-form-urlencoded; charset=UTF-8", form: isPost ? fields : [],
            body: isPost ? Array(text.utf8) : [], signer: settings.signer)
        guard (200...299).contains(answer?.status ?? 0) else {
            return desk.fault("callback \(event)", "was answered \(answer?.status ?? 0)")
        }
    }
}
