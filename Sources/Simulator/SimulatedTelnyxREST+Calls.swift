// How a simulated Telnyx's calls go, and the webhooks that tell of it.

import Audio
import Carriers

/// A webhook's name and what it says besides the call's ids.
typealias TelnyxEvent = (name: String, fields: @Sendable (SimulatedTelnyxCall) -> [RESTValue.Member])

extension SimulatedTelnyxREST {
    /// Somebody rings: `call.initiated` is sent. Gives the call's call_control_id.
    public func ring(from: String, to: String) -> String {
        let call = newCall(from: from, to: to, direction: "incoming", state: "parked")
        books.change { $0.calls[call.id] = call }
        desk.work { [self] in
            await emit([("call.initiated", initiatedFields)], call.id)
            let patience = settings.farEnd.patienceMilliseconds
            let isAnswered = await books.wait(milliseconds: patience) { $0.calls[call.id]?.state != "parked" }
            if !isAnswered { hangUp(call.id, source: "caller") }
            await end(call.id)
        }
        return call.id
    }

    /// Carries out a call that was dialled.
    func carryOut(_ id: String, _ body: RESTValue) async {
        await emit([("call.initiated", initiatedFields)], id)
        _ = await books.wait(milliseconds: settings.farEnd.ringMilliseconds) {
            $0.calls[id]?.state != "bridging"
        }
        if settings.farEnd.outcome == .answers, call(id)?.state == "bridging" {
            books.change { $0.calls[id]?.state = "answered" }
            await emit([("call.answered", answeredFields)], id)
            if body["stream_url"] != nil { stream(id, body) }
        } else {
            hangUp(id, source: "callee")
        }
        await end(id)
    }

    /// Waits for the call's end: a command's, the far end's, or that of its patience without a stream.
    private func end(_ id: String) async {
        while call(id)?.state != "hangup" {
            let streams = call(id)?.streams.count ?? 0
            let moved = await books.wait(milliseconds: settings.farEnd.patienceMilliseconds) {
                $0.calls[id]?.state == "hangup" || $0.calls[id]?.streams.count != streams
            }
            if !moved, call(id)?.live.isEmpty ?? true { hangUp(id, source: "caller") }
        }
        _ = await books.wait(milliseconds: 10_000) { $0.calls[id]?.live.isEmpty ?? true }
        await emit([("call.hangup", hangupFields)], id)
        await save(id)
    }

    /// A recording ends: it is listed, and told.
    func save(_ id: String) async {
        let now = desk.clock()
        let saved = books.change { books -> TelnyxRecording? in
            guard var recording = books.calls[id]?.recording else { return nil }
            books.calls[id]?.recording = nil
            recording.ended = now
            recording.isSaved = true
            books.recordings.append(recording)
            return recording
        }
        guard let saved else { return }
        let urls = links(to: saved)
        var events: [TelnyxEvent] = [
            (
                "call.recording.saved",
                { _ in
                    [
                        .init("channels", .text(saved.channels)), .init("format", .text(saved.format)),
                        .init("recording_id", .text(saved.id)),
                        .init("recording_started_at", .text(saved.began.iso8601)),
                        .init("recording_ended_at", .text(now.iso8601)), .init("recording_urls", urls),
                        .init("public_recording_urls", [:]),
                    ]
                }
            )
        ]
        if let text = settings.transcription {
            let number = desk.random { $0.uuid() }
            events.append(
                (
                    "call.recording.transcription.saved",
                    { _ in
                        [
                            .init("calling_party_type", "pstn"), .init("recording_id", .text(saved.id)),
                            .init("recording_transcription_id", .text(number)), .init("status", "completed"),
                            .init("transcription_text", .text(text)),
                        ]
                    }
                ))
        }
        await emit(events, id)
    }

    // MARK: Webhooks

    /// Sends `events`, which are due together, as the manners say.
    func emit(_ events: [TelnyxEvent], _ id: String) async {
        guard let call = call(id), !settings.webhookURL.isEmpty else { return }
        var events = events
        if settings.manners.shuffles { events.reverse() }
        for event in events {
            var payload: [RESTValue.Member] = [
                .init("call_control_id", .text(call.id)), .init("call_leg_id", .text(call.legID)),
                .init("call_session_id", .text(call.sessionID)),
                .init("client_state", RESTValue(call.clientState)),
                .init("connection_id", .text(settings.connectionID)), .init("from", .text(call.from)),
                .init("to", .text(call.to)),
            ]
            payload += event.fields(call)
            let members = payload
            let number = desk.random { $0.uuid() }
            let time = desk.clock().iso8601
            for _ in 0..<(settings.manners.doubles ? 2 : 1) {
                await desk.deliver(
                    event.name, to: settings.webhookURL, manners: settings.manners,
                    headers: [("User-Agent", "telnyx-webhooks")], signer: settings.signer,
                    isTaken: { (200...299).contains($0) },
                    body: { attempt in
                        let envelope: RESTValue = [
                            "data": [
                                "event_type": .text(event.name), "id": .text(number),
                                "occurred_at": .text(time), "payload": .object(members),
                                "record_type": "event",
                            ],
                            "meta": [
                                "attempt": .integer(Int64(attempt)),
                                "delivered_to": .text(settings.webhookURL),
                            ],
                        ]
                        return envelope.bytes
                    })
            }
        }
    }

    var initiatedFields: @Sendable (SimulatedTelnyxCall) -> [RESTValue.Member] {
        { call in
            var fields: [RESTValue.Member] = [
                .init("direction", .text(call.direction)), .init("start_time", .text(call.started.iso8601)),
                .init("state", call.direction == "incoming" ? "parked" : "bridging"),
            ]
            if call.direction == "incoming" {
                fields += [
                    .init("caller_id_name", .text(call.from)), .init("calling_party_type", "pstn"),
                    .init("connection_codecs", "PCMA,PCMU,VP8,H264"), .init("offered_codecs", "PCMU,G729"),
                ]
            }
            return fields
        }
    }

    var answeredFields: @Sendable (SimulatedTelnyxCall) -> [RESTValue.Member] {
        { [settings] call in
            [
                .init("calling_party_type", "pstn"),
                .init("codec", settings.legCodec == .pcma8k ? "PCMA" : "PCMU"), .init("sampling_rate", 8000),
                .init("start_time", .text(call.started.iso8601)), .init("state", "answered"),
            ]
        }
    }

    private var hangupFields: @Sendable (SimulatedTelnyxCall) -> [RESTValue.Member] {
        { [desk, settings] call in
            let cause: RESTValue =
                switch settings.farEnd.outcome {
                case .busy: "user_busy"
                case .noAnswer: "no_answer"
                case .fails: "unspecified"
                case .answers: "normal_clearing"
                }
            return [
                .init("start_time", .text(call.started.iso8601)),
                .init("end_time", .text(desk.clock().iso8601)),
                .init("state", "hangup"), .init("hangup_cause", cause),
                .init("hangup_source", .text(call.hangupSource)), .init("sip_hangup_cause", "200"),
                .init(
                    "call_quality_stats",
                    [
                        "inbound": [
                            "jitter_max_variance": "12.34", "jitter_packet_count": "0", "mos": "4.50",
                            "packet_count": "1500", "skip_packet_count": "0",
                        ], "outbound": ["packet_count": "1490", "skip_packet_count": "0"],
                    ]),
            ]
        }
    }
}
