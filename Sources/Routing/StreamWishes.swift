// What an order says of its call's media stream, and the sound that a stream was asked to take.

/// What an order says of its call's stream, in the carrier's own words; what is nil stays as configured. Which of it a
/// carrier takes, and which values, its door knows.
public struct StreamWishes: Sendable, Hashable {
    /// A custom parameter.
    public struct Parameter: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its value. Personal: never in a log.
        public var value: String

        /// A parameter made of its parts.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What the carrier streams to us.
    public var track: String?
    /// The codec towards us.
    public var codec: String?
    /// The codec of our sound.
    public var bidirectionalCodec: String?
    /// Samples a second: of our sound (Telnyx), of both directions (Exotel).
    public var rate: Int?
    /// Which legs hear our sound.
    public var targetLegs: String?
    /// Whether the carrier sends silence while we send nothing.
    public var silenceWhenIdle: Bool?
    /// Whether the stream opens before the call is dialled.
    public var establishesBeforeOriginating: Bool?
    /// Whether the stream goes to Dialogflow.
    public var enablesDialogflow: Bool?
    /// Dialogflow's settings, a JSON object.
    public var dialogflowSettings: String?
    /// The stream's name.
    public var name: String?
    /// How the stream's states are reported: `GET` or `POST`.
    public var statusCallbackMethod: String?
    /// Custom parameters; the agent gets them as dynamic variables.
    public var parameters: [Parameter] = []

    /// No wishes.
    public init() {}
}

/// Says nothing personal, wherever it is printed.
extension StreamWishes: CustomStringConvertible, CustomDebugStringConvertible {
    /// How many parameters.
    public var description: String { "wishes of a stream with \(parameters.count) parameters" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// What a stream was asked to take from us, where that is not what is configured.
public struct StreamSound: Sendable, Hashable, Codable {
    /// The codec by the carrier's name ("L16").
    public var codec: String
    /// Samples a second.
    public var rate: Int

    /// Sound of `codec` at `rate` hertz.
    public init(codec: String, rate: Int) {
        self.codec = codec
        self.rate = rate
    }
}
