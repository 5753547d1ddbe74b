// Base64 in the standard alphabet (RFC 4648, 4), to and from bytes.

/// Base64 without line breaks.
public enum Base64 {
    /// Four tables of 256: the bits of a character at each of four places; the top bit marks what is no character.
    private static let decoding: [UInt32] = {
        var table = [UInt32](repeating: 1 << 31, count: 1024)
        for (value, character) in alphabet.enumerated() {
            for place in 0..<4 {
                table[256 * place + Int(character)] = UInt32(value) << UInt32(18 - 6 * place)
            }
        }
        return table
    }()

    /// The 64 characters.
    private static let alphabet = [UInt8](
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Quads decoded, or triples encoded, before they are appended.
    private static let batch = 256

    /// Replaces `output` by the bytes that `text` codes.
    ///
    /// Padding may be left out, but not be wrong; white space and every other foreign byte is refused. Bits that
    /// are left over in the last character are not looked at.
    /// - Returns: false when `text` is not base64; `output` is then empty.
    public static func decode(_ text: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
        output.removeAll(keepingCapacity: true)
        var count = text.count
        if count > 0, count % 4 == 0, text[count - 1] == 0x3D {
            count -= text[count - 2] == 0x3D ? 2 : 1
        }
        let rest = count % 4
        guard rest != 1 else { return false }
        let input = UnsafeRawBufferPointer(rebasing: text[..<count])
        output.reserveCapacity(count / 4 * 3 + 2)
        let isValid = decoding.withUnsafeBufferPointer { table in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * batch) { buffer in
                var bad = decodeQuads(input, table, buffer, into: &output)
                if rest > 0 {
                    let at = count &- rest
                    var bits = table[Int(input[at])] | table[256 &+ Int(input[at &+ 1])]
                    if rest == 3 { bits |= table[512 &+ Int(input[at &+ 2])] }
                    bad |= bits
                    output.append(UInt8(truncatingIfNeeded: bits >> 16))
                    if rest == 3 { output.append(UInt8(truncatingIfNeeded: bits >> 8)) }
                }
                return bad >> 31 == 0
            }
        }
        if !isValid { output.removeAll(keepingCapacity: true) }
        return isValid
    }

    /// Appends what all whole quads of `input` code; the top bit of the answer says that one was bad.
    private static func decodeQuads(
        _ input: UnsafeRawBufferPointer, _ table: UnsafeBufferPointer<UInt32>,
        _ buffer: UnsafeMutableBufferPointer<UInt8>, into output: inout [UInt8]
    ) -> UInt32 {
        var bad: UInt32 = 0
        var read = 0
        let end = input.count / 4 * 4
        while read < end {
            let stop = min(end, read &+ 4 &* batch)
            var write = 0
            while read < stop {
                let bits =
                    table[Int(input[read])] | table[256 &+ Int(input[read &+ 1])]
                    | table[512 &+ Int(input[read &+ 2])] | table[768 &+ Int(input[read &+ 3])]
                bad |= bits
                buffer[write] = UInt8(truncatingIfNeeded: bits >> 16)
                buffer[write &+ 1] = UInt8(truncatingIfNeeded: bits >> 8)
                buffer[write &+ 2] = UInt8(truncatingIfNeeded: bits)
                read &+= 4
                write &+= 3
            }
            output.append(contentsOf: UnsafeMutableBufferPointer(rebasing: buffer[..<write]))
        }
        return bad
    }

    /// Appends the base64 of `bytes`, padded, to `output`.
    public static func encode(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        alphabet.withUnsafeBufferPointer { letters in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * batch) { buffer in
                var read = 0
                while read < bytes.count {
                    let stop = min(bytes.count, read &+ 3 &* batch)
                    var write = 0
                    while read < stop {
                        let left = stop &- read
                        var bits = UInt32(bytes[read]) << 16
                        if left > 1 { bits |= UInt32(bytes[read &+ 1]) << 8 }
                        if left > 2 { bits |= UInt32(bytes[read &+ 2]) }
                        buffer[write] = letters[Int(bits >> 18)]
                        buffer[write &+ 1] = letters[Int(bits >> 12 & 63)]
                        buffer[write &+ 2] = left > 1 ? letters[Int(bits >> 6 & 63)] : 0x3D
                        buffer[write &+ 3] = left > 2 ? letters[Int(bits & 63)] : 0x3D
                        read &+= 3
                        write &+= 4
                    }
                    output.append(contentsOf: UnsafeMutableBufferPointer(rebasing: buffer[..<write]))
                }
            }
        }
    }
}
