// The parameters of Telnyx's call commands, as carriers.md 3.1.4 and 3.1.5 list them: which on which command, and their values.

/// What one command may say.
struct TelnyxParameters: Sendable {
    let known: [String: RESTShape]
    let required: [String]

    /// The command of an action's name; nil for an unknown one.
    static func of(_ action: String) -> TelnyxParameters? { commands[action] }

    static let dial = TelnyxParameters(
        known: stream.merging(streamMore) { $1 }.merging(record) { $1 }.merging(both) { $1 }.merging([
            "connection_id": .text(), "from": .text(), "to": .textOrTexts, "timeout_secs": .integer(5...600),
            "time_limit_secs": .integer(1...14_400), "stream_establish_before_call_originate": .bool,
            "send_silence_when_idle": .bool, "enable_dialogflow": .bool, "dialogflow_config": .object,
            "answering_machine_detection": .text(), "link_to": .text(), "bridge_on_answer": .bool,
            "audio_url": .address, "sip_auth_username": .text(), "sip_auth_password": .text(),
            "media_encryption": .text(), "webhook_url": .address, "webhook_url_method": method,
            "custom_headers": .pairs, "billing_group_id": .text(), "transcription": .bool,
        ]) { $1 }, required: ["connection_id", "from", "to"])

    private static let method = RESTShape.oneOf(["POST", "GET"])
    private static let both: [String: RESTShape] = ["client_state": .base64, "command_id": .text()]

    /// Streaming parameters of answer, streaming_start and dial.
    private static let stream: [String: RESTShape] = [
        "stream_url": .socket,
        "stream_track": .oneOf(["inbound_track", "outbound_track", "both_tracks"]),
        "stream_codec": .oneOf(["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16", "default"]),
        "stream_bidirectional_mode": .oneOf(["mp3", "rtp"]),
        "stream_bidirectional_codec": .oneOf(["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"]),
        "stream_bidirectional_target_legs": .oneOf(["both", "self", "opposite"]),
    ]
    /// Streaming parameters of streaming_start and dial only.
    private static let streamMore: [String: RESTShape] = [
        "stream_bidirectional_sampling_rate": .numbers([8000, 16_000, 22_050, 24_000, 48_000]),
        "stream_auth_token": .text(limit: 4000),
    ]
    /// Recording parameters of answer and dial.
    private static let record: [String: RESTShape] = [
        "record": .oneOf(["record-from-answer"]), "record_channels": .oneOf(["single", "dual"]),
        "record_format": .oneOf(["wav", "mp3"]), "record_track": .oneOf(["both", "inbound", "outbound"]),
        "record_trim": .oneOf(["trim-silence"]), "record_timeout_secs": .integer(0...Int64.max),
        "record_max_length": .integer(0...43_200), "record_custom_file_name": .text(),
    ]
    private static let recording = TelnyxParameters(
        known: both.merging(["recording_id": .text()]) { $1 }, required: [])

    private static let commands: [String: TelnyxParameters] = [
        "answer": TelnyxParameters(
            known: stream.merging(record) { $1 }.merging(both) { $1 }.merging([
                "send_silence_when_idle": .bool, "billing_group_id": .text(), "custom_headers": .pairs,
                "sip_headers": .pairs, "preferred_codecs": .text(), "transcription": .bool,
                "webhook_url": .address, "webhook_url_method": method, "webhook_urls": .object,
                "webhook_retries_policies": .object,
            ]) { $1 }, required: []),
        "hangup": TelnyxParameters(
            known: both.merging(["custom_headers": .pairs, "reason": .text()]) { $1 }, required: []),
        "speak": TelnyxParameters(
            known: both.merging([
                "payload": .text(limit: 3000), "voice": .text(), "payload_type": .oneOf(["text", "ssml"]),
                "language": .text(), "service_level": .oneOf(["basic", "premium"]),
                "stop": .oneOf(["current", "all"]), "target_legs": .oneOf(["both", "self", "opposite"]),
                "loop": .loop, "voice_settings": .object,
            ]) { $1 }, required: ["payload", "voice"]),
        "playback_start": TelnyxParameters(
            known: both.merging([
                "audio_url": .address, "media_name": .text(), "playback_content": .base64,
                "audio_type": .oneOf(["mp3", "wav"]), "loop": .loop, "overlay": .bool,
                "stop": .oneOf(["current", "all"]), "target_legs": .oneOf(["both", "self", "opposite"]),
                "cache_audio": .bool,
            ]) { $1 }, required: []),
        "record_start": TelnyxParameters(
            known: both.merging([
                "channels": .oneOf(["single", "dual"]), "format": .oneOf(["wav", "mp3"]),
                "recording_track": .oneOf(["both", "inbound", "outbound"]), "play_beep": .bool,
                "max_length": .integer(0...14_400), "timeout_secs": .integer(0...Int64.max),
                "trim": .oneOf(["trim-silence"]), "custom_file_name": .text(), "transcription": .bool,
                "transcription_engine": .oneOf(["A", "B", "deepgram/nova-3"]),
                "transcription_language": .text(),
            ]) { $1 }, required: ["channels", "format"]),
        "record_stop": recording, "record_pause": recording, "record_resume": recording,
        "streaming_start": TelnyxParameters(
            known: stream.merging(streamMore) { $1 }.merging(both) { $1 }.merging([
                "custom_parameters": .pairs, "enable_dialogflow": .bool, "dialogflow_config": .object,
            ]) { $1 }, required: ["stream_url"]),
        "streaming_stop": TelnyxParameters(
            known: both.merging(["stream_id": .text()]) { $1 }, required: []),
    ]

    /// What is wrong with `body`.
    func faults(_ body: RESTValue) -> [String] {
        guard case .object(let members) = body else { return ["the body is no JSON object"] }
        var faults = required.filter { body[$0] == nil }.map { "\($0) is missing" }
        var seen: Set<String> = []
        for member in members {
            if !seen.insert(member.name).inserted { faults.append("\(member.name) stands twice") }
            guard let shape = known[member.name] else {
                faults.append("\(member.name) is not a parameter of this command")
                continue
            }
            if let fault = shape.fault(of: member.value) { faults.append("\(member.name) \(fault)") }
        }
        return faults + streamFaults(body) + speechFaults(body)
    }

    private func streamFaults(_ body: RESTValue) -> [String] {
        let streams = body.members.filter { $0.name.hasPrefix("stream_") && $0.name != "stream_id" }
        guard !streams.isEmpty, known["stream_url"] != nil else { return [] }
        guard body["stream_url"] != nil else {
            // Where it is required, it is told already.
            return required.contains("stream_url")
                ? [] : ["stream_url is missing, but there are others of a stream"]
        }
        var faults: [String] = []
        let isRTP = body["stream_bidirectional_mode"]?.text == "rtp"
        if !isRTP {
            faults.append("stream_bidirectional_mode is not rtp: whatever is no MP3 is dropped in silence")
        }
        if body["stream_bidirectional_codec"] != nil, !isRTP {
            faults.append("stream_bidirectional_codec is for rtp only")
        }
        let codec = body["stream_bidirectional_codec"]?.text ?? "PCMU"
        if let rate = body["stream_bidirectional_sampling_rate"]?.integer,
            ["PCMU", "PCMA", "G722"].contains(codec), rate != 8000
        {
            faults.append("stream_bidirectional_sampling_rate is not the codec's")
        }
        return faults
    }

    private func speechFaults(_ body: RESTValue) -> [String] {
        if known["playback_content"] != nil {
            let ways = ["audio_url", "media_name", "playback_content"].filter { body[$0] != nil }
            return ways.count == 1 ? [] : ["wants one of audio_url, media_name, playback_content"]
        }
        guard known["payload"] != nil, let voice = body["voice"]?.text else { return [] }
        if voice == "male" || voice == "female" {
            return body["service_level"]?.text == "basic" ? [] : ["voice wants service_level basic"]
        }
        return voice.split(separator: ".").count >= 3 ? [] : ["voice is not Provider.Model.Id"]
    }
}
