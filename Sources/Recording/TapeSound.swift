// The two channels of a tape as samples, and what encoding them costs alone.

import CLinux
import Glibc
import Tape

/// A tape's sound, decoded and placed, not encoded.
public struct TapeSound: Sendable {
    /// The caller.
    public var left: [Int16] = []
    /// The agent, as it was heard.
    public var right: [Int16] = []
    /// Samples a second.
    public var rate = 8000

    /// Reads the whole tape at `path`. Throws `RecordingError`.
    public static func read(path: String) throws(RecordingError) -> TapeSound {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file(operation: "open_tape", errno: errno) }
        defer { close(descriptor) }
        var sound = TapeSound()
        var parser = TapeParser()
        var fold: TapeFold?
        var offset: Int64 = 0
        let reader: (Int64, Int) throws(RecordingError) -> [UInt8] = { at, count throws(RecordingError) in
            try CallRenderer.read(descriptor, at: at, count: count)
        }
        while true {
            let bytes = try CallRenderer.read(descriptor, at: offset, count: 64 << 10)
            guard !bytes.isEmpty else { break }
            offset += Int64(bytes.count)
            bytes.withUnsafeBytes { parser.feed($0) }
            while let record = parser.next() {
                if fold == nil {
                    let header = try TapeFold.document(TapeHeader.self, record)
                    sound.rate = header.rate
                    fold = try TapeFold(header: header, at: record.time)
                    continue
                }
                try fold?.take(record, read: reader) { left, right in
                    sound.left += left
                    sound.right += right
                }
            }
        }
        _ = try fold?.finish(read: reader) { left, right in
            sound.left += left
            sound.right += right
        }
        return sound
    }

    /// CPU nanoseconds of this thread for encoding `sound` at `quality` as the renderer would, in 20 ms pieces.
    public static func encodingNanoseconds(_ sound: TapeSound, quality: Int) throws -> Int64 {
        var encoder = try MP3Encoder(RenderSettings(quality: quality).mp3(rate: sound.rate))
        var output: [UInt8] = []
        var now = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        let began = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
        let piece = sound.rate / 50
        var at = 0
        while at < sound.left.count {
            let end = min(at + piece, sound.left.count)
            try sound.left[at..<end].withUnsafeBufferPointer { left in
                try sound.right[at..<end].withUnsafeBufferPointer { right in
                    try encoder.encode(left: left, right: right, into: &output)
                }
            }
            output.removeAll(keepingCapacity: true)
            at = end
        }
        try encoder.finish(into: &output)
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec) - began
    }
}
