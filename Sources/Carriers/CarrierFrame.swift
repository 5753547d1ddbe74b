// The members of one carrier message, found in a single pass whatever their order.

import Wire

/// How a dialect spells the names of members.
struct Spelling: OptionSet, Sendable {
    let rawValue: UInt8
    /// `streamSid`
    static let camel = Spelling(rawValue: 1)
    /// `stream_sid`
    static let snake = Spelling(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The spellings of `carrier`: Exotel documents one and is seen with the other.
    init(_ carrier: Carrier) {
        switch carrier {
        case .twilio: self = .camel
        case .telnyx: self = .snake
        case .exotel: self = [.camel, .snake]
        }
    }

    /// Whether `key` is the name in a spelling used here.
    func matches(_ key: JSONText, _ camelName: StaticString, _ snakeName: StaticString) -> Bool {
        contains(.camel) && key.equals(camelName) || contains(.snake) && key.equals(snakeName)
    }

    /// The member of that name, in a spelling used here.
    func member(of object: JSONContainer, _ camelName: StaticString, _ snakeName: StaticString) -> JSONValue?
    {
        if contains(.snake), let value = object.member(snakeName) { return value }
        return contains(.camel) ? object.member(camelName) : nil
    }
}

/// One message taken apart. Of two members of the same name the first counts. Points into the message.
struct CarrierFrame {
    /// How its members are spelled.
    let spelling: Spelling
    var event: JSONValue?
    var sequence: JSONValue?
    /// The stream's id at the top level.
    var streamID: JSONValue?
    /// A `media` object was there.
    var hasMedia = false
    var track: JSONValue?
    var chunk: JSONValue?
    var timestamp: JSONValue?
    var payload: JSONValue?
    /// The objects named like their events; `error` stands under `payload` (Telnyx).
    var start: JSONValue?
    var dtmf: JSONValue?
    var mark: JSONValue?
    var stop: JSONValue?
    var errorPayload: JSONValue?
    /// Parameters that Telnyx may put at the top level.
    var parameters: JSONValue?
    /// Telnyx's `stream_auth_token`, which one program was seen to read in the start (carriers.md §3.3.3).
    var authToken: JSONValue?
    var protocolName: JSONValue?
    var version: JSONValue?

    /// Takes `message` apart; nil when it is not exactly one JSON object.
    init?(_ message: UnsafeRawBufferPointer, spelling: Spelling) {
        self.spelling = spelling
        var scanner = JSONScanner(message)
        guard scanner.enterObject() else { return nil }
        while let key = scanner.nextMember() {
            if key.equals("media"), !hasMedia, scanner.enterObject() {
                hasMedia = true
                readMedia(&scanner)
                continue
            }
            guard let value = scanner.value() else { return nil }
            take(key, value)
        }
        guard scanner.finish() else { return nil }
    }

    private mutating func readMedia(_ scanner: inout JSONScanner) {
        while let key = scanner.nextMember(), let value = scanner.value() {
            if key.equals("payload") {
                if payload == nil { payload = value }
            } else if key.equals("timestamp") {
                if timestamp == nil { timestamp = value }
            } else if key.equals("chunk") {
                if chunk == nil { chunk = value }
            } else if key.equals("track") {
                if track == nil { track = value }
            }
        }
    }

    private mutating func take(_ key: JSONText, _ value: JSONValue) {
        if key.equals("event") {
            if event == nil { event = value }
        } else if spelling.matches(key, "sequenceNumber", "sequence_number") {
            if sequence == nil { sequence = value }
        } else if spelling.matches(key, "streamSid", "stream_sid")
            || spelling.contains(.snake) && key.equals("stream_id")
        {
            if streamID == nil { streamID = value }
        } else if key.equals("media") {
            // A `media` that is no object, or a second one: the first counts.
            hasMedia = true
        } else if key.equals("dtmf") {
            if dtmf == nil { dtmf = value }
        } else if key.equals("mark") {
            if mark == nil { mark = value }
        } else if key.equals("stop") {
            if stop == nil { stop = value }
        } else if key.equals("start") {
            if start == nil { start = value }
        } else {
            takeRare(key, value)
        }
    }

    private mutating func takeRare(_ key: JSONText, _ value: JSONValue) {
        if key.equals("payload") {
            if errorPayload == nil { errorPayload = value }
        } else if spelling.matches(key, "customParameters", "custom_parameters") {
            if parameters == nil { parameters = value }
        } else if spelling == .snake, key.equals("stream_auth_token") {
            if authToken == nil { authToken = value }
        } else if key.equals("protocol") {
            if protocolName == nil { protocolName = value }
        } else if key.equals("version") {
            if version == nil { version = value }
        }
    }
}
