// Bytes that must not be seen: no description, mirror or dump of them shows any.

/// A key, token or password. Comparison is in constant time.
public struct Secret: Sendable, Equatable {
    /// The bytes themselves: for computing, never for printing.
    public let bytes: [UInt8]

    /// A secret made of bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// A secret written as text: its UTF-8.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { bytes.isEmpty }

    /// Whether both are the same; the time depends on their lengths only.
    public static func == (left: Secret, right: Secret) -> Bool {
        ConstantTime.equal(left.bytes, right.bytes)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always the same word.
    public var description: String { "secret" }
    /// Always the same word.
    public var debugDescription: String { "secret" }
    /// Nothing to look into.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
