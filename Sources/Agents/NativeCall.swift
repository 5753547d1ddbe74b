// Calls that ElevenLabs' own telephony carries: what is asked, what is answered (elevenlabs.md §2). No I/O.
//
// Such a call never passes this server: its sound goes between the carrier and ElevenLabs, so nothing of it is recorded
// here and only ElevenLabs' list, webhooks and documents tell of it. Values for those who place or register calls so.

import Wire

/// A call that ElevenLabs is to place: `POST /v1/convai/{twilio,sip-trunk}/outbound-call`, with the header `xi-api-key`.
public struct NativeCallOrder: Sendable, Hashable {
    /// What carries the call.
    public enum Way: String, Sendable, Hashable, CaseIterable {
        /// A Twilio number that was imported.
        case twilio
        /// A SIP trunk.
        case sip = "sip-trunk"
    }

    /// What carries it.
    public var way: Way
    /// The agent that is to talk.
    public var agentID: String
    /// ElevenLabs' identifier of the calling number (`phnum_…`), not the number.
    public var agentPhoneNumberID: String
    /// The number to call (E.164). Personal: never in a log.
    public var number: String
    /// What the conversation is begun with; nil for nothing.
    public var initiation: ConversationInitiation?
    /// How long it may ring, in seconds; nil for the service's 60.
    public var ringingSeconds: Int?

    /// An order made of its parts.
    public init(
        _ way: Way, agentID: String, agentPhoneNumberID: String, number: String,
        initiation: ConversationInitiation? = nil, ringingSeconds: Int? = nil
    ) {
        self.way = way
        self.agentID = agentID
        self.agentPhoneNumberID = agentPhoneNumberID
        self.number = number
        self.initiation = initiation
        self.ringingSeconds = ringingSeconds
    }

    /// The address to POST to at `base`; nil when `base` is none.
    public func url(base: String) -> String? {
        AgentEndpoint.address("/v1/convai/\(way.rawValue)/outbound-call", base: base)
    }

    /// The body. What is unset is left out.
    public var body: [UInt8] {
        var json: [UInt8] = []
        JSONWriter.append("{\"agent_id\":", to: &json)
        JSONWriter.append(string: agentID, to: &json)
        JSONWriter.append(",\"agent_phone_number_id\":", to: &json)
        JSONWriter.append(string: agentPhoneNumberID, to: &json)
        JSONWriter.append(",\"to_number\":", to: &json)
        JSONWriter.append(string: number, to: &json)
        initiation?.append(to: &json)
        if let ringingSeconds {
            JSONWriter.append(",\"telephony_call_config\":{\"ringing_timeout_secs\":", to: &json)
            JSONWriter.append(integer: Int64(ringingSeconds), to: &json)
            JSONWriter.append("}", to: &json)
        }
        JSONWriter.append("}", to: &json)
        return json
    }
}

/// The answer to a `NativeCallOrder`. Status 200 alone does not say that the call was placed.
public struct NativeCallAnswer: Sendable, Hashable {
    /// Whether the call was placed.
    public var isPlaced: Bool
    /// The conversation.
    public var conversationID: String?
    /// The carrier's identifier of the call: Twilio's, or the SIP call's.
    public var carrierCallID: String?

    /// Reads an answer of status 200. Its message, free text, is not kept.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in
            var scanner = JSONScanner(raw)
            guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
            return try NativeCallAnswer(whole)
        }
    }

    private init(_ whole: JSONContainer) throws(PostCallError) {
        guard let success = whole.member("success")?.bool else { throw .missingField("success") }
        func id(_ name: StaticString) -> String? { whole.member(name)?.text?.string(limit: AgentLimits.id) }
        isPlaced = success
        conversationID = id("conversation_id")
        carrierCallID = id("callSid") ?? id("sip_call_id")
    }
}

/// A Twilio call that is to be handed to ElevenLabs: `POST /v1/convai/twilio/register-call`, with the header `xi-api-key`.
/// The answer is TwiML, not JSON: opaque text for Twilio, with an XML content type. The agent has to speak `ulaw_8000` both ways.
public struct NativeCallRegistration: Sendable, Hashable {
    /// Which way a call goes.
    public enum Direction: String, Sendable, Hashable, CaseIterable { case inbound, outbound }

    /// The agent that is to talk.
    public var agentID: String
    /// The calling number. Personal: never in a log.
    public var caller: String
    /// The called number. Personal: never in a log.
    public var called: String
    /// Which way the call goes.
    public var direction: Direction
    /// What the conversation is begun with; nil for nothing.
    public var initiation: ConversationInitiation?

    /// A registration made of its parts.
    public init(
        agentID: String, caller: String, called: String, direction: Direction = .inbound,
        initiation: ConversationInitiation? = nil
    ) {
        self.agentID = agentID
        self.caller = caller
        self.called = called
        self.direction = direction
        self.initiation = initiation
    }

    /// The address to POST to at `base`; nil when `base` is none.
    public func url(base: String) -> String? {
        AgentEndpoint.address("/v1/convai/twilio/register-call", base: base)
    }

    /// The body. What is unset is left out.
    public var body: [UInt8] {
        var json: [UInt8] = []
        JSONWriter.append("{\"agent_id\":", to: &json)
        JSONWriter.append(string: agentID, to: &json)
        JSONWriter.append(",\"from_number\":", to: &json)
        JSONWriter.append(string: caller, to: &json)
        JSONWriter.append(",\"to_number\":", to: &json)
        JSONWriter.append(string: called, to: &json)
        JSONWriter.append(",\"direction\":", to: &json)
        JSONWriter.append(string: direction.rawValue, to: &json)
        initiation?.append(to: &json)
        JSONWriter.append("}", to: &json)
        return json
    }
}

extension ConversationInitiation {
    /// Appends it as a further member of an object.
    fileprivate func append(to json: inout [UInt8]) {
        JSONWriter.append(",\"conversation_initiation_client_data\":", to: &json)
        AgentCodec().encodeInitiation(self, typed: false, into: &json)
    }
}

/// Says nothing of the numbers in it, wherever it is printed.
extension NativeCallOrder: CustomStringConvertible, CustomDebugStringConvertible {
    /// What it is.
    public var description: String { "order of a native call (\(way.rawValue))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// Says nothing of the numbers in it, wherever it is printed.
extension NativeCallRegistration: CustomStringConvertible, CustomDebugStringConvertible {
    /// What it is.
    public var description: String { "registration of a native call (\(direction.rawValue))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
