// A string of a JSON text as it stands in the message: compared in place, decoded only on demand.

/// A validated JSON string: the bytes between its quotes. Valid while the message's bytes are.
public struct JSONText {
    /// The bytes between the quotes, escapes and all.
    public let bytes: UnsafeRawBufferPointer
    /// Whether a backslash is among them.
    public let hasEscapes: Bool

    /// The bytes when they are the text itself: there is no escape among them.
    public var plain: UnsafeRawBufferPointer? { hasEscapes ? nil : bytes }

    /// Whether the text, escapes decoded, is `other` byte for byte.
    public func equals(_ other: StaticString) -> Bool {
        let start = UnsafeRawPointer(other.utf8Start)
        let count = other.utf8CodeUnitCount
        if !hasEscapes {
            guard bytes.count == count else { return false }
            return same(bytes, start, count)
        }
        // No escape is shorter than what it stands for.
        guard bytes.count > count, bytes.count <= 6 * count else { return false }
        var decoded: [UInt8] = []
        append(to: &decoded)
        return decoded.withUnsafeBytes { $0.count == count && same($0, start, count) }
    }

    private func same(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
        for index in 0..<count where left[index] != right.load(fromByteOffset: index, as: UInt8.self) {
            return false
        }
        return true
    }

    /// The text; nil when it is longer than `limit` bytes of UTF-8. An escaped lone surrogate comes as U+FFFD.
    public func string(limit: Int) -> String? {
        guard hasEscapes else {
            return bytes.count <= limit ? String(decoding: bytes, as: UTF8.self) : nil
        }
        // Six bytes of an escape (\u0041) stand for at least one byte of text.
        guard bytes.count / 6 <= limit else { return nil }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        append(to: &decoded)
        return decoded.count <= limit ? String(decoding: decoded, as: UTF8.self) : nil
    }

    /// The text as an integer: an optional minus and digits that fit, nothing else.
    public var integer: Int64? { plain.flatMap(JSONNumber.integer) }

    /// Appends the text, escapes decoded, to `output`.
    public func append(to output: inout [UInt8]) {
        guard hasEscapes else {
            output.append(contentsOf: bytes)
            return
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 0x5C, index &+ 1 < bytes.count else {
                output.append(byte)
                index &+= 1
                continue
            }
            let letter = bytes[index &+ 1]
            index &+= 2
            switch letter {
            case 0x62: output.append(0x08)
            case 0x66: output.append(0x0C)
            case 0x6E: output.append(0x0A)
            case 0x72: output.append(0x0D)
            case 0x74: output.append(0x09)
            case 0x75: index = appendScalar(at: index, to: &output)
            default: output.append(letter)
            }
        }
    }

    /// Appends the scalar whose four hexadecimal digits start at `index`; gives the index after it.
    private func appendScalar(at index: Int, to output: inout [UInt8]) -> Int {
        guard let unit = Self.codeUnit(in: bytes, at: index) else { return index }
        var next = index &+ 4
        var scalar = UInt32(unit)
        if unit & 0xFC00 == 0xD800, next &+ 1 < bytes.count, bytes[next] == 0x5C, bytes[next &+ 1] == 0x75,
            let low = Self.codeUnit(in: bytes, at: next &+ 2), low & 0xFC00 == 0xDC00
        {
            scalar = 0x10000 &+ (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))
            next &+= 6
        }
        let valid = Unicode.Scalar(scalar) ?? "\u{FFFD}"
        output.append(contentsOf: UTF8.encode(valid) ?? UTF8.encodedReplacementCharacter)
        return next
    }

    /// The UTF-16 code unit of the four hexadecimal digits at `index`; nil when they are not four.
    static func codeUnit(in bytes: UnsafeRawBufferPointer, at index: Int) -> UInt16? {
        guard index &+ 4 <= bytes.count else { return nil }
        var unit: UInt16 = 0
        for offset in 0..<4 {
            let byte = bytes[index &+ offset]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte &- 0x30
            case 0x41...0x46: digit = byte &- 0x37
            case 0x61...0x66: digit = byte &- 0x57
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }
}
