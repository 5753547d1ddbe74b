// What a value with somebody's number, words or secret in it says of itself when it is printed: its kind alone.

/// A value that says nothing personal, wherever it is printed.
public protocol Discreet: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {}

extension Discreet {
    /// The kind of the value.
    public var description: String { String(describing: Self.self) }
    /// The same as `description`.
    public var debugDescription: String { description }
    /// No members: a dump must not tell more.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a carrier's message was not understood, or a request to a carrier cannot be made. Names fields, never values.
public enum SignallingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are not of the kind they should be.
    case malformed
    /// A field that must be there is not.
    case missingField(String)
    /// A field is longer than it may be.
    case tooLong(String)
    /// A field's value is outside what the carrier takes.
    case invalid(String)
    /// A parameter does not belong to the command.
    case notAllowed(parameter: String, command: String)

    /// What is wrong, without the value.
    public var description: String {
        switch self {
        case .malformed: "the message is malformed"
        case .missingField(let name): "\(name) is missing"
        case .tooLong(let name): "\(name) is too long"
        case .invalid(let name): "\(name) is invalid"
        case .notAllowed(let parameter, let command): "\(parameter) is no parameter of \(command)"
        }
    }
}

/// Longest fields taken from outside, in bytes.
enum SignallingLimits {
    /// Identifiers, states, times.
    static let id = 256
    /// Telephone numbers, SIP addresses, names.
    static let party = 512
    /// Addresses, presigned ones too.
    static let url = 8192
    /// Reasons, error texts, opaque states.
    static let text = 8192
    /// A transcription.
    static let transcription = 1 << 20
    /// Fields of one message.
    static let fields = 512
}
