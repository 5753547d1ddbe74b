// Appends pieces of JSON to bytes.

/// Writes JSON piece by piece; the caller writes the braces and commas.
public enum JSONWriter {
    /// Appends `text` as it stands: punctuation and member names of ours.
    public static func append(_ text: StaticString, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends `string` in quotes; quotes, backslashes and control characters are escaped (RFC 8259, 7).
    public static func append(string: String, to output: inout [UInt8]) {
        output.append(0x22)
        var string = string
        string.withUTF8 { append(escaping: UnsafeRawBufferPointer($0), to: &output) }
        output.append(0x22)
    }

    /// Appends `integer` in decimal.
    public static func append(integer: Int64, to output: inout [UInt8]) {
        if integer < 0 { output.append(0x2D) }
        var rest = integer.magnitude
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            repeat {
                start &-= 1
                digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            output.append(contentsOf: UnsafeMutableBufferPointer(rebasing: digits[start...]))
        }
    }

    /// Appends `bytes` as a quoted string of base64.
    public static func append(base64 bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        output.append(0x22)
        Base64.encode(bytes, into: &output)
        output.append(0x22)
    }

    private static func append(escaping bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var run = 0
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte >= 0x20, byte != 0x22, byte != 0x5C { continue }
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[run..<index]))
            run = index &+ 1
            output.append(0x5C)
            switch byte {
            case 0x22, 0x5C: output.append(byte)
            case 0x08: output.append(0x62)
            case 0x09: output.append(0x74)
            case 0x0A: output.append(0x6E)
            case 0x0C: output.append(0x66)
            case 0x0D: output.append(0x72)
            default:
                append("u00", to: &output)
                output.append(0x30 &+ byte >> 4)
                let low = byte & 15
                output.append(low < 10 ? 0x30 &+ low : 0x57 &+ low)
            }
        }
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[run...]))
    }
}
