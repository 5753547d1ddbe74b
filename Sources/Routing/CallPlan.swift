// What a call is to be: chosen before its stream begins, carried out by the call.

/// What speaks to the caller.
public enum CallMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// An ElevenLabs agent talks with the caller.
    case agent
    /// Texts are spoken to the caller by text to speech; nobody listens.
    case speech
    /// A greeting, a beep, and the caller's message is recorded.
    case voicemail
}

/// How an answering machine behaves.
public struct VoicemailPlan: Sendable, Hashable, Codable {
    /// What is spoken first; empty for nothing. Personal: never in a log.
    public var greeting: String
    /// Whether a beep follows the greeting.
    public var beeps: Bool
    /// Longest message, in seconds.
    public var maximumSeconds: Int
    /// Silence after which the message is over, in seconds; 0 for never.
    public var silenceSeconds: Int
    /// Who records: "stream" (this server) or "telnyx"; nil: as configured.
    public var recorder: String?
    /// The voice of Telnyx's own speech; nil: as configured.
    public var carrierVoice: String?

    /// A plan made of its parts.
    public init(
        greeting: String = "", beeps: Bool = true, maximumSeconds: Int = 120, silenceSeconds: Int = 5
    ) {
        self.greeting = greeting
        self.beeps = beeps
        self.maximumSeconds = maximumSeconds
        self.silenceSeconds = silenceSeconds
    }
}

/// What a call is to be. The empty plan is the configured agent with nothing special.
public struct CallPlan: Sendable, Hashable, Codable {
    /// What speaks to the caller.
    public var mode = CallMode.agent
    /// Our identifier of the call when it was given before the stream (`CallID`); nil: given at its start.
    public var callID: String?
    /// The agent; nil: the configured one.
    public var agentID: String?
    /// The voice, of the agent or of text to speech; nil: theirs by default.
    public var voiceID: String?
    /// The language (ISO 639-1); nil: the agent's own.
    public var language: String?
    /// The agent's first message; nil: its own. Personal: never in a log.
    public var firstMessage: String?
    /// Dynamic variables for the agent. Personal: never in a log.
    public var variables: [String: String] = [:]
    /// What is spoken in mode `speech`, in order. Personal: never in a log.
    public var texts: [String] = []
    /// Whether the call stays open after the last text, for further ones; otherwise it is hung up.
    public var staysAfterSpeech = false
    /// The answering machine, in mode `voicemail`.
    public var voicemail: VoicemailPlan?
    /// The calling number, where the stream does not tell it. Personal: never in a log.
    public var caller: String?
    /// The called number, where the stream does not tell it. Personal: never in a log.
    public var called: String?
    /// The sound that the stream takes from us, where it was asked for another than the configured one.
    public var sound: StreamSound?
    /// Custom parameters of the stream that its carrier was not given, because the command takes none; they join those of
    /// its start. Personal: never in a log.
    public var parameters: [String: String]?
    /// Whether the customer's context was not asked for yet, because its stream came unannounced: then that is done before
    /// the agent is.
    public var awaitsContext: Bool?

    /// The empty plan.
    public init() {}
}

/// Says nothing personal, wherever it is printed.
extension CallPlan: CustomStringConvertible, CustomDebugStringConvertible {
    /// The mode.
    public var description: String { "plan of a call in mode \(mode.rawValue)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
