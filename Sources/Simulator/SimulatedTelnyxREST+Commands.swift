// What a simulated Telnyx does with commands to its calls.

import Audio
import Carriers
import Net

extension SimulatedTelnyxREST {
    private func uuid() -> String { desk.random { $0.uuid() } }

    func newCall(from: String, to: String, direction: String, state: String) -> SimulatedTelnyxCall {
        SimulatedTelnyxCall(
            id: "v3:" + desk.random { $0.hexadecimal(digits: 43) }, from: from, to: to, direction: direction,
            state: state, legID: uuid(), sessionID: uuid(), started: desk.clock())
    }

    func dial(_ body: RESTValue, _ place: String) -> HTTPResponse {
        let faults = TelnyxParameters.dial.faults(body)
        for fault in faults { desk.fault(place, fault) }
        guard faults.isEmpty else { return invalid() }
        let to = body["to"]?.text ?? body["to"]?.elements.first?.text ?? ""
        var call = newCall(from: body["from"]?.text ?? "", to: to, direction: "outgoing", state: "bridging")
        call.clientState = body["client_state"]?.text
        call.commands = ["dial"]
        let new = call
        books.change { $0.calls[new.id] = new }
        var data: [RESTValue.Member] = [
            .init("call_control_id", .text(call.id)), .init("call_leg_id", .text(call.legID)),
            .init("call_session_id", .text(call.sessionID)), .init("is_alive", false),
            .init("record_type", "call"),
        ]
        if body["record"] != nil {
            data.append(.init("recording_id", .text(record(call.id, body, prefix: "record_"))))
        }
        desk.work { [self] in await carryOut(new.id, body) }
        return RESTDesk.json(200, .object([.init("data", .object(data))]))
    }

    func command(
        _ action: String, _ parameters: TelnyxParameters, _ body: RESTValue, to id: String, _ place: String
    ) -> HTTPResponse {
        let faults = parameters.faults(body)
        for fault in faults { desk.fault(place, fault) }
        guard let call = call(id) else { return missing(place) }
        if call.state == "hangup" { return Self.ended }
        guard faults.isEmpty else { return invalid() }
        // A command with the id of an earlier one is not carried out again (carriers.md 3.1.1).
        let isNew = books.change { books in
            books.calls[id]?.commands.append(action)
            if let state = body["client_state"]?.text { books.calls[id]?.clientState = state }
            return body["command_id"]?.text.map { books.calls[id]?.command.insert($0).inserted ?? true }
                ?? true
        }
        guard isNew else { return Self.ok }
        switch action {
        case "answer": return answer(call, body, place)
        case "hangup": hangUp(id, source: "unknown")
        case "speak": speak(id)
        case "playback_start": play(id, body, place)
        case "streaming_start": stream(id, body)
        case "streaming_stop": return stopStreams(call, body["stream_id"]?.text, place)
        case "record_start":
            guard call.state == "answered" else { return refuse(place, "the call is not answered") }
            // The answer does not tell the recording's id (carriers.md 3.1.5).
            _ = record(id, body, prefix: "")
        default: return changeRecording(call, action, body["recording_id"]?.text, place)
        }
        return Self.ok
    }

    private func refuse(_ place: String, _ reason: String) -> HTTPResponse {
        desk.fault(place, reason)
        return invalid()
    }

    private func answer(_ call: SimulatedTelnyxCall, _ body: RESTValue, _ place: String) -> HTTPResponse {
        guard call.direction == "incoming" else {
            desk.fault(place, "the call is outgoing and cannot be answered")
            return RESTDesk.json(422, Self.error(422, code: "90102", title: "Call is not incoming"))
        }
        guard call.state == "parked" else { return refuse(place, "the call is answered already") }
        books.change { $0.calls[call.id]?.state = "answered" }
        var data: [RESTValue.Member] = [.init("result", "ok")]
        if body["record"] != nil {
            data.append(.init("recording_id", .text(record(call.id, body, prefix: "record_"))))
        }
        desk.work { [self] in
            await emit([("call.answered", answeredFields)], call.id)
            if body["stream_url"] != nil { stream(call.id, body) }
        }
        return RESTDesk.json(200, .object([.init("data", .object(data))]))
    }

    /// Begins a recording; its id.
    private func record(_ id: String, _ body: RESTValue, prefix: String) -> String {
        let recordingID = uuid()
        let now = desk.clock()
        books.change { books in
            guard let call = books.calls[id] else { return }
            books.calls[id]?.recording = TelnyxRecording(
                id: recordingID, callID: id, legID: call.legID, sessionID: call.sessionID, from: call.from,
                to: call.to, channels: body[prefix + "channels"]?.text ?? "dual",
                format: body[prefix + "format"]?.text ?? "mp3", began: now)
        }
        return recordingID
    }

    private func changeRecording(
        _ call: SimulatedTelnyxCall, _ action: String, _ wanted: String?, _ place: String
    ) -> HTTPResponse {
        guard let recording = call.recording else { return refuse(place, "nothing is being recorded") }
        if let wanted, wanted != recording.id { return refuse(place, "recording_id is another one") }
        if action == "record_stop" {
            desk.work { [self] in await save(call.id) }
        } else {
            if recording.isPaused == (action == "record_pause") { desk.fault(place, "it is so already") }
            books.change { $0.calls[call.id]?.recording?.isPaused = action == "record_pause" }
        }
        return Self.ok
    }

    private func stopStreams(_ call: SimulatedTelnyxCall, _ id: String?, _ place: String) -> HTTPResponse {
        if let id, call.live[id] == nil { return refuse(place, "stream_id is not that of a stream") }
        for (key, live) in call.live where id == nil || id == key { live.hangUp() }
        return Self.ok
    }

    private func speak(_ id: String) {
        desk.work { [self] in
            await emit([("call.speak.started", { _ in [] })], id)
            await emit([("call.speak.ended", { _ in [.init("status", "completed")] })], id)
        }
    }

    private func play(_ id: String, _ body: RESTValue, _ place: String) {
        let url = body["audio_url"]?.text
        desk.work { [self] in
            await emit([("call.playback.started", { _ in [.init("media_url", RESTValue(url))] })], id)
            var status = "completed"
            if let url {
                let answer = await desk.send(
                    "audio_url", method: "GET", to: url, type: "", body: [], signer: nil)
                if answer?.status != 200 {
                    desk.fault(place, "audio_url was answered \(answer?.status ?? 0)")
                    status = "file_not_found"
                }
            }
            let final = RESTValue.text(status)
            await emit(
                [
                    (
                        "call.playback.ended",
                        { _ in [.init("media_url", RESTValue(url)), .init("status", final)] }
                    )
                ], id)
        }
    }

    /// Ends a call: its streams end, and whoever waits for its end goes on.
    func hangUp(_ id: String, source: String) {
        let live = books.change { books -> [LiveStream] in
            guard let call = books.calls[id], call.state != "hangup" else { return [] }
            books.calls[id]?.state = "hangup"
            books.calls[id]?.hangupSource = source
            return Array(call.live.values)
        }
        for stream in live { stream.hangUp() }
    }

    /// Opens a stream to the body's `stream_url`.
    func stream(_ id: String, _ body: RESTValue) {
        guard let call = call(id), let url = body["stream_url"]?.text else { return }
        let streamID = uuid()
        var dialect = CarrierDialect.telnyx
        let rate = Int(body["stream_bidirectional_sampling_rate"]?.integer ?? 8000)
        dialect.inbound = Self.format(body["stream_codec"]?.text, rate, leg: settings.legCodec)
        dialect.outbound = Self.format(
            body["stream_bidirectional_codec"]?.text ?? "PCMU", rate, leg: settings.legCodec)
        var live = SimulatedCallSettings(
            url: url, dialect: dialect, script: settings.farEnd.script, ending: settings.farEnd.ending,
            seed: desk.random { $0.next() })
        live.faults = settings.farEnd.faults
        live.caller = call.from
        live.called = call.to
        live.identity = StreamIdentity(streamID: streamID, callID: id, accountID: uuid())
        live.parameters["call_session_id"] = call.sessionID
        live.parameters["client_state"] = call.clientState
        for pair in body["custom_parameters"]?.elements ?? [] {
            live.parameters[pair["name"]?.text ?? ""] = pair["value"]?.text
        }
        if let token = body["stream_auth_token"]?.text {
            live.headers = [("Authorization", "Bearer " + token)]
        }
        let address: @Sendable (SimulatedTelnyxCall) -> [RESTValue.Member] = { _ in
            [.init("stream_url", .text(url))]
        }
        live.opened = { [self] in
            desk.work { [self] in await emit([("streaming.started", address)], id) }
        }
        let settings = live
        desk.work { [self] in
            let running = desk.network.begin(settings)
            books.change { $0.calls[id]?.live[streamID] = running }
            if self.call(id)?.state == "hangup" { running.hangUp() }
            guard let result = await running.result(withinMilliseconds: 600_000) else { return }
            books.change {
                $0.calls[id]?.live[streamID] = nil
                $0.calls[id]?.streams.append(result)
            }
            if case .neverOpened = result.end {
                desk.fault("stream", "its upgrade was refused")
                return await emit(
                    [
                        (
                            "streaming.failed",
                            { _ in
                                [
                                    .init("failure_reason", "connection_failed"),
                                    .init("stream_id", .text(streamID)),
                                    .init(
                                        "stream_params", ["stream_url": .text(url), "track": "inbound_track"]),
                                    .init("stream_type", "websocket"),
                                ]
                            }
                        )
                    ], id)
            }
            await emit([("streaming.stopped", address)], id)
            // The far end hung up; a server that closes its socket does not end the call (carriers.md 3.1.6).
            if result.end == .asPlanned, case .hangUp = settings.ending, self.call(id)?.state != "hangup",
                result.samples >= Int64(settings.ending.milliseconds) * Int64(result.rate) / 1000
            {
                hangUp(id, source: call.direction == "incoming" ? "caller" : "callee")
            }
        }
    }

    /// What a codec's name is: the leg's own for `default` and none. L16 and Opus come at the rate that is asked for
    /// (carriers.md 3.2.3).
    private static func format(_ name: String?, _ rate: Int, leg: AudioFormat) -> AudioFormat {
        switch name {
        case "PCMU": .pcmu8k
        case "PCMA": .pcma8k
        case "G722": .g722
        case "AMR-WB": .amrwb
        case "OPUS": AudioFormat(.opus, rate: rate)
        case "L16": AudioFormat(.pcm16, rate: rate)
        default: leg
        }
    }
}
