// The ID3v2.4 tag in front of a recording: title, date, notes and chapters.

/// What an ID3v2.4 tag says (id3.org: id3v2.4.0-structure, -frames; chapters: id3v2-chapters-1.0).
///
/// Its bytes depend on its content alone. NUL characters are left out of texts, and each text is cut at 1,000
/// bytes.
public struct ID3Tag: Sendable, Hashable {
    /// A named note (frame TXXX).
    public struct Note: Sendable, Hashable {
        /// What the note is about, such as "call id".
        public var name: String
        /// What it says.
        public var value: String
        /// A note.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A stretch of the recording with a title (frame CHAP).
    public struct Chapter: Sendable, Hashable {
        /// What players show.
        public var title: String
        /// Start, in milliseconds from the start of the sound.
        public var startMilliseconds: UInt32
        /// End, in milliseconds.
        public var endMilliseconds: UInt32
        /// A chapter.
        public init(title: String, startMilliseconds: UInt32, endMilliseconds: UInt32) {
            self.title = title
            self.startMilliseconds = startMilliseconds
            self.endMilliseconds = endMilliseconds
        }
    }

    /// Title (frame TIT2).
    public var title: String?
    /// Time of recording (frame TDRC), a part of ISO 8601 from "yyyy" to "yyyy-MM-ddTHH:mm:ss", in UTC.
    public var recordedAt: String?
    /// Named notes, in this order.
    public var notes: [Note]

    /// A tag.
    public init(title: String? = nil, recordedAt: String? = nil, notes: [Note] = []) {
        self.title = title
        self.recordedAt = recordedAt
        self.notes = notes
    }

    /// Bytes of the tag's own header.
    static let headerLength = 10
    /// The greatest tag: 28 bits of length.
    static let greatestLength = 1 << 28

    /// The tag's bytes, padded with zeros to `length` in all, and how many of `chapters` (from the first)
    /// found room.
    ///
    /// - Returns: nil if even the tag without chapters is longer than `length` or `length` has no place in a
    ///   header.
    func encoded(length: Int, chapters: [Chapter] = []) -> (bytes: [UInt8], chapters: Int)? {
        var body = frames()
        let room = length - Self.headerLength
        guard body.count <= room, length < Self.greatestLength else { return nil }
        // A CTOC frame counts its entries in one byte.
        var list: [UInt8] = []
        var chosen = 0
        for (index, chapter) in chapters.prefix(255).enumerated() {
            let next = list + Self.chapter(chapter, number: index + 1)
            guard body.count + next.count + Self.contents(of: index + 1).count <= room else { break }
            list = next
            chosen = index + 1
        }
        if chosen > 0 { body += Self.contents(of: chosen) + list }
        let header = Array("ID3".utf8) + [4, 0, 0] + Self.synchsafe(room)
        return (header + body + [UInt8](repeating: 0, count: room - body.count), chosen)
    }

    /// Bytes of header and frames, without chapters and padding.
    var shortestLength: Int { Self.headerLength + frames().count }

    private func frames() -> [UInt8] {
        var bytes: [UInt8] = []
        if let title { bytes += Self.frame("TIT2", Self.utf8 + Self.text(title)) }
        if let recordedAt { bytes += Self.frame("TDRC", Self.utf8 + Self.text(recordedAt)) }
        for note in notes {
            bytes += Self.frame("TXXX", Self.utf8 + Self.text(note.name) + [0] + Self.text(note.value))
        }
        return bytes
    }

    /// Text encoding 3: UTF-8.
    private static let utf8: [UInt8] = [3]

    private static func text(_ string: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in string.unicodeScalars where scalar.value != 0 {
            let encoded = Array(String(scalar).utf8)
            guard bytes.count + encoded.count <= 1000 else { break }
            bytes += encoded
        }
        return bytes
    }

    private static func frame(_ name: String, _ payload: [UInt8]) -> [UInt8] {
        Array(name.utf8) + synchsafe(payload.count) + [0, 0] + payload
    }

    private static func chapter(_ chapter: Chapter, number: Int) -> [UInt8] {
        // Byte offsets of all ones: "go by the times".
        let payload =
            Array("ch\(number)".utf8) + [0] + bigEndian(chapter.startMilliseconds)
            + bigEndian(chapter.endMilliseconds) + [UInt8](repeating: 0xFF, count: 8)
        return frame("CHAP", payload + frame("TIT2", utf8 + text(chapter.title)))
    }

    /// The table of contents: top level, ordered.
    private static func contents(of count: Int) -> [UInt8] {
        var payload = Array("toc".utf8) + [0, 0b11, UInt8(count)]
        for number in 1...count { payload += Array("ch\(number)".utf8) + [0] }
        return frame("CTOC", payload)
    }

    /// 28 bits in four bytes of seven.
    private static func synchsafe(_ value: Int) -> [UInt8] {
        [21, 14, 7, 0].map { UInt8(value >> $0 & 0x7F) }
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
