// A place in a list, as an opaque text.

import Wire

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
        bytes.withUnsafeBytes { Base64.encode($0, into: &output) }
        return String(decoding: output.filter { $0 != 0x3D }.map(Self.inURL), as: UTF8.self)
    }

    init(startedAt: Int64, id: String) {
        self.startedAt = startedAt
        self.id = id
    }

    /// Reads a cursor back. Throws `badCursor`.
    init(_ text: String) throws(ArchiveError) {
        var bytes: [UInt8] = []
        // 34 bytes are 46 characters.
        guard text.utf8.count == 46,
            text.utf8.map(Self.inText).withUnsafeBytes({ Base64.decode($0, into: &bytes) }),
            bytes.count == 34
        else { throw .badCursor }
        startedAt = Int64(bitPattern: bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        id = String(decoding: bytes.dropFirst(8), as: UTF8.self)
        guard CallID.isValid(id), self.text == text else { throw .badCursor }
    }

    /// Character 62 and 63 of base64 as URLs have them.
    private static func inURL(_ character: UInt8) -> UInt8 {
        switch character {
        case 0x2B: 0x2D
        case 0x2F: 0x5F
        default: character
        }
    }

    /// The same the other way.
    private static func inText(_ character: UInt8) -> UInt8 {
        switch character {
        case 0x2D: 0x2B
        case 0x5F: 0x2F
        default: character
        }
    }
}
