// A place in a list, as an opaque text.

/// Where a page of a list ends: the last call on it. New calls do not move it.
struct PageCursor: Hashable {
    var startedAt: Int64
    var id: String

    /// base64url without padding (RFC 4648 §5) of 8 bytes of time, big-endian, and the identifier.
    var text: String {
        var bytes = (0..<8).map {
            UInt8(truncatingIfNeeded: UInt64(bitPattern: startedAt) >> UInt64(56 - 8 * $0))
        }
        bytes += Array(id.utf8)
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            held += 8
            while held >= 6 {
                held -= 6
                output.append(Self.alphabet[Int(bits >> UInt32(held) & 63)])
            }
        }
        if held > 0 { output.append(Self.alphabet[Int(bits << UInt32(6 - held) & 63)]) }
        return String(decoding: output, as: UTF8.self)
    }

    init(startedAt: Int64, id: String) {
        self.startedAt = startedAt
        self.id = id
    }

    /// Reads a cursor back. Throws `badCursor`.
    init(_ text: String) throws(ArchiveError) {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        // 34 bytes are 46 characters.
        guard text.utf8.count == 46 else { throw .badCursor }
        for character in text.utf8 {
            guard let value = Self.alphabet.firstIndex(of: character) else { throw .badCursor }
            bits = (bits << 6 | UInt32(value)) & 0xffff
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        startedAt = Int64(bitPattern: bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        id = String(decoding: bytes.dropFirst(8), as: UTF8.self)
        guard CallID.isValid(id), self.text == text else { throw .badCursor }
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}
