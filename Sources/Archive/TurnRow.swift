// What was said and what happened in a call, as the catalog keeps it.

/// Who spoke.
public enum TurnRole: String, Sendable, Hashable, CaseIterable {
    /// The caller.
    case caller
    /// The agent.
    case agent
}

/// One turn of the conversation.
public struct TurnRow: Sendable, Hashable {
    /// Who spoke.
    public var role: TurnRole
    /// What was understood (caller) or what the agent meant to say.
    public var text: String
    /// What of it was heard before an interruption, when that is less.
    public var heardText: String?
    /// What the agent's own correction says it got across.
    public var correctedText: String?
    /// Where it begins on the call's clock, in samples.
    public var startSamples: Int64
    /// Where it ends on the call's clock, in samples.
    public var endSamples: Int64?
    /// Milliseconds of audio the agent generated.
    public var generatedMilliseconds: Int64?
    /// Milliseconds of audio sent to the carrier.
    public var sentMilliseconds: Int64?
    /// Milliseconds of audio the caller heard.
    public var heardMilliseconds: Int64?
    /// The agent's event id.
    public var eventID: Int64?
    /// Whether the caller cut it short.
    public var interrupted: Bool

    /// A turn made of its parts.
    public init(
        role: TurnRole, text: String, heardText: String? = nil, correctedText: String? = nil,
        startSamples: Int64, endSamples: Int64? = nil, generatedMilliseconds: Int64? = nil,
        sentMilliseconds: Int64? = nil, heardMilliseconds: Int64? = nil, eventID: Int64? = nil,
        interrupted: Bool = false
    ) {
        self.role = role
        self.text = text
        self.heardText = heardText
        self.correctedText = correctedText
        self.startSamples = startSamples
        self.endSamples = endSamples
        self.generatedMilliseconds = generatedMilliseconds
        self.sentMilliseconds = sentMilliseconds
        self.heardMilliseconds = heardMilliseconds
        self.eventID = eventID
        self.interrupted = interrupted
    }
}

/// Says nothing of what was spoken, wherever it is printed.
extension TurnRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// Who spoke, and where.
    public var description: String { "\(role.rawValue)'s turn at sample \(startSamples)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// Something that happened in a call besides speech.
public struct EventRow: Sendable, Hashable {
    /// What: "dtmf", "mark", "clear", "gap", "error" …: a short token.
    public var kind: String
    /// Where on the call's clock, in samples.
    public var position: Int64
    /// How long, in samples; 0 for an instant.
    public var length: Int64
    /// More about it, as one JSON object.
    public var detail: String

    /// An event made of its parts.
    public init(kind: String, position: Int64, length: Int64 = 0, detail: String = "{}") {
        self.kind = kind
        self.position = position
        self.length = length
        self.detail = detail
    }
}

/// Says nothing of the detail (it may be a digit that was pressed), wherever it is printed.
extension EventRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// What, and where.
    public var description: String { "\(kind) at sample \(position)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// What was counted in a call.
public struct MetricsRow: Sendable, Hashable {
    /// Milliseconds from the stream's start to the agent's readiness.
    public var setupMilliseconds: Int64?
    /// Milliseconds from the stream's start to the first agent audio sent.
    public var firstAudioMilliseconds: Int64?
    /// Caller's frames received.
    public var framesReceived: Int64 = 0
    /// Caller's frames that came after their place was given up.
    public var framesLate: Int64 = 0
    /// Caller's frames that never came.
    public var framesLost: Int64 = 0
    /// Caller's frames that came twice.
    public var framesDuplicate: Int64 = 0
    /// Frames sent to the carrier.
    public var framesSent: Int64 = 0
    /// Bytes of media received from the carrier.
    public var bytesIn: Int64 = 0
    /// Bytes of media sent to the carrier.
    public var bytesOut: Int64 = 0
    /// How often the caller interrupted the agent.
    public var interruptions: Int64 = 0
    /// Events of a kind this program does not know.
    public var unknownEvents: Int64 = 0
    /// Further figures as one JSON object.
    public var more: String = "{}"

    /// Nothing counted.
    public init() {}
}
