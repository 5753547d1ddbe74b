// Percent-encoding of texts that stand in URLs and forms.

/// Percent-encoding (RFC 3986 §2.1).
public enum PercentCoding {
    /// Appends `text` to `output`: all but the unreserved characters (§2.3: letters, digits, `-`, `.`, `_`, `~`) is encoded,
    /// byte for byte of its UTF-8, but for the byte `kept`.
    public static func append(_ text: String, keeping kept: UInt8? = nil, to output: inout [UInt8]) {
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: output.append(byte)
            case kept: output.append(byte)
            default: output += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    /// `text` encoded, fit for one value of a query or one segment of a path.
    public static func encoded(_ text: String, keeping kept: UInt8? = nil) -> String {
        var output: [UInt8] = []
        append(text, keeping: kept, to: &output)
        return String(decoding: output, as: UTF8.self)
    }
}
