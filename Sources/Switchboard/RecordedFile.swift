// What a downloaded file of sound really holds, found by walking over it: whole frames of MP3, or a WAV file.

import Archive
import Glibc
import Recording

/// What is wrong with a downloaded file.
enum RecordedFileFault: String, Error, Sendable, Hashable {
    /// It cannot be read.
    case unreadable
    /// It is not of the form it should be.
    case notAudio = "not_audio"
    /// It ends in the middle.
    case notWhole = "not_whole"
}

/// A whole file of sound.
struct RecordedFile: Sendable, Hashable {
    /// Its length in bytes.
    var bytes: Int64
    /// Its sound in samples of `rate`.
    var samples: Int64
    /// Samples a second.
    var rate: Int
    /// 1 or 2.
    var channels: Int

    /// Its sound in milliseconds.
    var milliseconds: Int64 { samples * 1000 / Int64(rate) }

    /// Walks over the file at `path`.
    init(path: String, format: RecordingFormat) throws(RecordedFileFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .unreadable }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .unreadable }
        let length = Int64(facts.st_size)
        guard length > 0 else { throw .notAudio }
        try self.init(length: length, format: format) { offset, count in
            var piece = [UInt8](repeating: 0, count: count)
            let read = pread(descriptor, &piece, count, off_t(offset))
            return read < 0 ? nil : Array(piece.prefix(read))
        }
    }

    /// Walks over `length` bytes of which `read` gives any piece; nil when it cannot.
    init(
        length: Int64, format: RecordingFormat, read: (_ offset: Int64, _ count: Int) -> [UInt8]?
    ) throws(RecordedFileFault) {
        switch format {
        case .mp3: self = try Self.mp3(length, read)
        case .wav: self = try Self.wav(length, read)
        }
    }

    /// A file of these facts.
    init(bytes: Int64, samples: Int64, rate: Int, channels: Int) {
        self.bytes = bytes
        self.samples = samples
        self.rate = rate
        self.channels = channels
    }

    private typealias Read = (_ offset: Int64, _ count: Int) -> [UInt8]?

    private static func piece(_ read: Read, _ offset: Int64, _ count: Int) throws(RecordedFileFault)
        -> [UInt8]
    {
        guard let piece = read(offset, count) else { throw .unreadable }
        return piece
    }

    // MARK: MP3

    /// Frame after frame from the first byte (behind an ID3v2 tag) to the last (before an ID3v1 tag), all of one rate.
    private static func mp3(_ length: Int64, _ read: Read) throws(RecordedFileFault) -> RecordedFile {
        var at = try tag(piece(read, 0, 10))
        var end = length
        if length >= 128, try piece(read, length - 128, 3) == Array("TAG".utf8) { end -= 128 }
        var found: RecordedFile?
        while at < end {
            guard let header = MP3FrameHeader(try piece(read, at, 4)) else {
                throw found == nil ? .notAudio : .notWhole
            }
            guard at + Int64(header.length) <= end else { throw .notWhole }
            if found == nil {
                found = RecordedFile(bytes: length, samples: 0, rate: header.rate, channels: header.channels)
                // The first frame may hold facts of the others instead of sound.
                if try !isInformation(header, piece(read, at, 64)) {
                    found?.samples += Int64(header.samplesPerFrame)
                }
            } else {
                guard header.rate == found?.rate else { throw .notWhole }
                found?.samples += Int64(header.samplesPerFrame)
            }
            at += Int64(header.length)
        }
        guard let found, found.samples > 0 else { throw .notAudio }
        return found
    }

    /// The length of an ID3v2 tag with its header (ID3v2.4 §3.1: four times seven bits, ten more for a footer).
    private static func tag(_ head: [UInt8]) -> Int64 {
        guard head.count == 10, head.prefix(3).elementsEqual("ID3".utf8),
            head[6...].allSatisfy({ $0 < 0x80 })
        else { return 0 }
        let size = head[6...].reduce(Int64(0)) { $0 << 7 | Int64($1) }
        return 10 + size + (head[5] & 0x10 == 0 ? 0 : 10)
    }

    /// Whether a frame is a Xing or Info tag: its mark stands behind the side information.
    private static func isInformation(_ header: MP3FrameHeader, _ bytes: [UInt8]) -> Bool {
        let mark = bytes.dropFirst(4 + header.sideInformationLength).prefix(4)
        return mark.elementsEqual("Xing".utf8) || mark.elementsEqual("Info".utf8)
    }

    // MARK: WAV

    /// Chunk after chunk of a RIFF file (IBM/Microsoft Multimedia Programming Interface 1.0; little-endian).
    private static func wav(_ length: Int64, _ read: Read) throws(RecordedFileFault) -> RecordedFile {
        let head = try piece(read, 0, 12)
        guard head.count == 12, head.prefix(4).elementsEqual("RIFF".utf8),
            head.suffix(4).elementsEqual("WAVE".utf8)
        else { throw .notAudio }
        guard number(head[4..<8]) + 8 <= length else { throw .notWhole }
        var at: Int64 = 12
        var form: (channels: Int, rate: Int, block: Int64)?
        while at + 8 <= length {
            let chunk = try piece(read, at, 8)
            let size = number(chunk[4..<8])
            guard at + 8 + size <= length else { throw .notWhole }
            if chunk.prefix(4).elementsEqual("fmt ".utf8), size >= 16 {
                let facts = try piece(read, at + 8, 16)
                form = (Int(number(facts[2..<4])), Int(number(facts[4..<8])), number(facts[12..<14]))
            } else if chunk.prefix(4).elementsEqual("data".utf8) {
                guard let form, (1...2).contains(form.channels), (1...1_000_000).contains(form.rate),
                    form.block > 0, size >= form.block
                else { throw .notAudio }
                return RecordedFile(
                    bytes: length, samples: size / form.block, rate: form.rate, channels: form.channels)
            }
            at += 8 + size + size % 2
        }
        throw .notAudio
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    }
}
