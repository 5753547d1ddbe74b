// What a JSON value may be, as spans of the message.

/// A validated JSON value. Whatever it holds is valid while the message's bytes are.
public enum JSONValue {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as written.
    case number(JSONNumber)
    /// A string, as written.
    case string(JSONText)
    /// An object, braces included.
    case object(JSONContainer)
    /// An array, brackets included.
    case array(JSONContainer)

    /// The string, when it is one.
    public var text: JSONText? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer, when it is one that fits: given as a number or, as carriers like, as a string of digits.
    public var integer: Int64? {
        switch self {
        case .number(let number): number.integer
        case .string(let text): text.integer
        default: nil
        }
    }

    /// The truth value, when it is one.
    public var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }

    /// The object, when it is one.
    public var object: JSONContainer? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The array, when it is one.
    public var array: JSONContainer? {
        if case .array(let array) = self { array } else { nil }
    }

    /// Whether it is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// A string, number or truth value as text of at most `limit` bytes; nil for the rest.
    public func scalarString(limit: Int) -> String? {
        switch self {
        case .string(let text): text.string(limit: limit)
        case .number(let number):
            number.bytes.count <= limit ? String(decoding: number.bytes, as: UTF8.self) : nil
        case .bool(let bool): bool ? "true" : "false"
        case .null, .object, .array: nil
        }
    }
}

/// A validated JSON number, as written.
public struct JSONNumber {
    /// The characters of the number.
    public let bytes: UnsafeRawBufferPointer

    /// The number when it is an integer that fits 64 bits; a fraction of zeros (`8000.0`) is none, an exponent
    /// is not looked into.
    public var integer: Int64? {
        guard let point = bytes.firstIndex(of: 0x2E) else { return Self.integer(bytes) }
        guard bytes[(point + 1)...].allSatisfy({ $0 == 0x30 }) else { return nil }
        return Self.integer(UnsafeRawBufferPointer(rebasing: bytes[..<point]))
    }

    /// The integer of an optional minus and digits; nil for anything else and for one that does not fit.
    static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var index = 0
        let isNegative = bytes.first == 0x2D
        if isNegative { index = 1 }
        guard index < bytes.count else { return nil }
        var total: Int64 = 0
        while index < bytes.count {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            let (tenfold, tooLarge) = total.multipliedReportingOverflow(by: 10)
            let step = isNegative ? -Int64(digit) : Int64(digit)
            let (sum, tooFar) = tenfold.addingReportingOverflow(step)
            guard !tooLarge, !tooFar else { return nil }
            total = sum
            index &+= 1
        }
        return total
    }
}

/// A validated object or array, brackets included.
public struct JSONContainer {
    /// The bytes of the container.
    public let bytes: UnsafeRawBufferPointer

    /// The object or array that `bytes` are. Bytes that are none have no members.
    public init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// A scanner at the container's opening bracket.
    public func scanner() -> JSONScanner { JSONScanner(bytes) }

    /// The value of the object's first member named `name`; later members of that name do not count.
    public func member(_ name: StaticString) -> JSONValue? {
        var scanner = scanner()
        guard scanner.enterObject() else { return nil }
        while let key = scanner.nextMember() {
            guard let value = scanner.value() else { return nil }
            if key.equals(name) { return value }
        }
        return nil
    }
}
