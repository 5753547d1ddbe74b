// A carrier's `start` message to a `StreamStart`.

import Audio
import Wire

/// Reads the `start` frame of one carrier.
struct StartReader {
    let carrier: Carrier
    /// What Telnyx was told to expect.
    let outbound: AudioFormat
    /// The order of bytes in Telnyx's L16.
    let linear: AudioCodec

    func read(_ frame: CarrierFrame) throws(CarrierMessageError) -> StreamStart {
        guard let body = frame.start?.object else { throw .missingField("start") }
        var parameters = ParameterReader()
        try parameters.read(frame.spelling.member(of: body, "customParameters", "custom_parameters"))
        try parameters.read(frame.parameters)
        let format = try inbound(frame.spelling.member(of: body, "mediaFormat", "media_format")?.object)
        var start = StreamStart(
            carrier: carrier, streamID: "", callID: "", inbound: format, outbound: format,
            tracks: tracks(body.member("tracks")))
        switch carrier {
        case .twilio:
            start.streamID = try id(frame.streamID ?? body.member("streamSid"), "streamSid")
            start.callID = try id(body.member("callSid"), "callSid")
            start.accountID = try optional(body.member("accountSid"), "accountSid")
            start.caller = parameters.first(of: ["From", "from", "Caller", "caller"])
            start.called = parameters.first(of: ["To", "to", "Called", "called"])
        case .telnyx:
            start.streamID = try id(frame.streamID ?? body.member("stream_id"), "stream_id")
            start.callID = try id(body.member("call_control_id"), "call_control_id")
            start.accountID = try optional(body.member("user_id"), "user_id")
            start.caller = try optional(body.member("from"), "from")
            start.called = try optional(body.member("to"), "to")
            start.outbound = outbound
            try parameters.add("client_state", body.member("client_state"))
            if let told = (body.member("stream_auth_token") ?? frame.authToken)?.text {
                guard let token = told.string(limit: CarrierLimits.authToken) else {
                    throw .tooLong("stream_auth_token")
                }
                start.authToken = StreamAuthToken(token)
            }
        case .exotel:
            let spelling = frame.spelling
            start.streamID = try id(
                frame.streamID ?? spelling.member(of: body, "streamSid", "stream_sid"), "stream_sid")
            start.callID = try id(spelling.member(of: body, "callSid", "call_sid"), "call_sid")
            start.accountID = try optional(
                spelling.member(of: body, "accountSid", "account_sid"), "account_sid")
            start.caller = try optional(body.member("from"), "from")
            start.called = try optional(body.member("to"), "to")
        }
        start.parameters = parameters.values
        return start
    }

    /// The announced format. Exotel's `encoding` and `bit_rate` contradict each other between its documents: there
    /// only the rate counts, and sound is always signed 16 bit.
    private func inbound(_ format: JSONContainer?) throws(CarrierMessageError) -> AudioFormat {
        let spelling = Spelling(carrier)
        var rate: Int64 = 8000
        if let told = format.flatMap({ spelling.member(of: $0, "sampleRate", "sample_rate") }), !told.isNull {
            guard let number = told.integer else { throw .unsupportedFormat }
            rate = number
        }
        if carrier == .exotel {
            guard rate == 8000 || rate == 16000 || rate == 24000 else { throw .unsupportedFormat }
            return AudioFormat(.pcm16, rate: Int(rate))
        }
        var encoding = carrier == .telnyx ? "PCMU" : "AUDIO/X-MULAW"
        if let told = format?.member("encoding"), !told.isNull {
            guard let text = told.text?.string(limit: 32) else { throw .unsupportedFormat }
            encoding = text.uppercased()
        }
        if carrier == .telnyx { return try telnyx(encoding, rate: rate) }
        guard rate == 8000, encoding == "AUDIO/X-MULAW" else { throw .unsupportedFormat }
        return .pcmu8k
    }

    /// Telnyx's encodings with the rates documented for them. G.722 is announced by its RTP clock of 8,000 (RFC 3551
    /// §4.5.2) and sounds at 16,000; AMR-WB has one rate, Opus's RTP clock is 48,000 (RFC 7587 §4.1) and the rate
    /// of decoding ours.
    private func telnyx(_ encoding: String, rate: Int64) throws(CarrierMessageError) -> AudioFormat {
        switch (encoding, rate) {
        case ("PCMU", 8000): return .pcmu8k
        case ("PCMA", 8000): return .pcma8k
        case ("G722", 8000), ("G722", 16000): return .g722
        case ("AMR-WB", 8000), ("AMR-WB", 16000): return .amrwb
        case ("OPUS", 8000), ("OPUS", 16000): return AudioFormat(.opus, rate: Int(rate))
        case ("OPUS", 48000): return AudioFormat(.opus, rate: 16_000)
        case ("L16", 8000), ("L16", 16000), ("L16", 24000): return AudioFormat(linear, rate: Int(rate))
        default: throw .unsupportedFormat
        }
    }

    /// The tracks named, each once; the caller's alone when none is.
    private func tracks(_ value: JSONValue?) -> [Track] {
        var tracks: [Track] = []
        if var scanner = value?.array?.scanner(), scanner.enterArray() {
            while scanner.nextElement(), let element = scanner.value() {
                guard let track = element.text.flatMap({ Track(named: $0) }), !tracks.contains(track) else {
                    continue
                }
                tracks.append(track)
            }
        }
        return tracks.isEmpty ? [.inbound] : tracks
    }

    private func id(_ value: JSONValue?, _ name: String) throws(CarrierMessageError) -> String {
        guard let id = try optional(value, name), !id.isEmpty else { throw .missingField(name) }
        return id
    }

    private func optional(_ value: JSONValue?, _ name: String) throws(CarrierMessageError) -> String? {
        guard let text = value?.text else { return nil }
        guard let string = text.string(limit: CarrierLimits.id) else { throw .tooLong(name) }
        return string
    }
}

/// Gathers custom parameters from the shapes they come in.
struct ParameterReader {
    private(set) var values: [String: String] = [:]

    /// Takes `{"name": value}` or `[{"name": …, "value": …}]`; anything else is no parameters.
    mutating func read(_ value: JSONValue?) throws(CarrierMessageError) {
        switch value {
        case .object(let object):
            var scanner = object.scanner()
            guard scanner.enterObject() else { return }
            while let key = scanner.nextMember(), let value = scanner.value() { try add(key, value) }
        case .array(let array):
            var scanner = array.scanner()
            guard scanner.enterArray() else { return }
            while scanner.nextElement(), let element = scanner.value() {
                guard let pair = element.object, let name = pair.member("name")?.text else { continue }
                try add(name, pair.member("value"))
            }
        default: return
        }
    }

    /// Takes the parameter `name`; null, objects and arrays are no value.
    mutating func add(_ name: String, _ value: JSONValue?) throws(CarrierMessageError) {
        guard let value, values[name] == nil else { return }
        switch value {
        case .null, .object, .array: return
        case .bool, .number, .string: break
        }
        guard let text = value.scalarString(limit: CarrierLimits.parameter) else {
            throw .tooLong(Self.field)
        }
        guard values.count < CarrierLimits.parameters else { throw .tooLong(Self.field) }
        values[name] = text
    }

    /// The value of the first of `names` that is there and not empty.
    func first(of names: [String]) -> String? {
        names.lazy.compactMap { values[$0] }.first { !$0.isEmpty }
    }

    private static let field = "custom_parameters"

    private mutating func add(_ name: JSONText, _ value: JSONValue?) throws(CarrierMessageError) {
        guard let name = name.string(limit: CarrierLimits.parameter) else { throw .tooLong(Self.field) }
        try add(name, value)
    }
}
