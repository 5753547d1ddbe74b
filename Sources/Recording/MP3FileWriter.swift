// One MP3 file from its ID3 tag to its rewritten Info frame.

/// Why an MP3 file could not be written.
public enum MP3FileError: Error, Sendable, Hashable {
    /// The file could not be made (errno).
    case open(errno: Int32)
    /// A write failed (errno), the disk being full for one.
    case write(errno: Int32)
    /// The encoder refused or failed. A recording of no samples has no file: `encoder(.empty)`.
    case encoder(MP3EncoderError)
    /// The ID3 tag is too long.
    case tag
    /// Another number of samples was encoded than the caller counted.
    case sampleCount(expected: Int64, encoded: Int64)
    /// The Info frame contradicts what was written.
    case infoFrame
    /// The file is finished or has failed before.
    case wrongState
}

/// What stands in a finished MP3.
public struct MP3Summary: Sendable, Hashable {
    /// Samples of one channel, exactly what decoders give.
    public let samples: Int64
    /// Samples a second (hertz).
    public let rate: Int
    /// MPEG frames of sound, the Info frame not counted.
    public let frames: Int
    /// Bytes of the file.
    public let bytes: Int64
    /// Bytes of the ID3 tag: where the MPEG stream starts.
    public let streamOffset: Int64
    /// Chapters that found room in the tag, from the first.
    public let chapters: Int
    /// The Info tag as written.
    public let info: InfoTag
    /// Length in seconds.
    public var seconds: Double { Double(samples) / Double(rate) }
}

/// Writes one MP3: ID3v2.4 tag with room to spare, frames as they come, and at the end the Info frame in
/// place.
///
/// The bytes depend on settings, tag, chapters and samples alone. After an error the file is of no use and
/// every further call throws. Not thread-safe: one owner at a time.
public final class MP3FileWriter {
    private enum State { case open, finished, failed }

    /// How the sound is coded.
    public let settings: MP3Settings
    private let output: any MP3Output
    private var encoder: MP3Encoder
    private let tag: ID3Tag
    private let tagLength: Int
    private var buffer: [UInt8] = []
    private var written: Int64 = 0
    private var state = State.open

    /// Bytes gathered before a write.
    private static let batch = 16_384

    /// Starts a file on `output`.
    ///
    /// - Parameters:
    ///   - reserve: bytes kept free in the tag for the chapters, which are known at the end (60–100
    ///   bytes each).
    /// - Throws: `encoder(.settings)` for refused settings, `tag` if tag and reserve exceed 256 MiB.
    public init(
        _ output: any MP3Output, settings: MP3Settings, tag: ID3Tag = ID3Tag(), reserve: Int = 4096
    ) throws(MP3FileError) {
        do { encoder = try MP3Encoder(settings) } catch { throw .encoder(error) }
        self.settings = settings
        self.output = output
        self.tag = tag
        let (length, overflow) = tag.shortestLength.addingReportingOverflow(max(0, reserve))
        guard !overflow, let encoded = tag.encoded(length: length) else { throw .tag }
        tagLength = length
        buffer.reserveCapacity(Self.batch + 8192)
        buffer += encoded.bytes
    }

    /// Starts a new file at `path`, which must not exist.
    public convenience init(
        path: String, settings: MP3Settings, tag: ID3Tag = ID3Tag(), reserve: Int = 4096
    ) throws(MP3FileError) {
        do { try settings.validate() } catch { throw .encoder(.settings(error)) }
        try self.init(MP3FileOutput(path: path), settings: settings, tag: tag, reserve: reserve)
    }

    /// Samples of one channel taken so far.
    public var samples: Int64 { encoder.samples }

    /// Encodes samples of both channels, of one length, and writes when enough has gathered.
    public func append(
        left: UnsafeBufferPointer<Int16>, right: UnsafeBufferPointer<Int16>
    ) throws(MP3FileError) {
        try whileOpen { () throws(MP3FileError) in
            // In pieces, so that the buffer stays small whatever comes.
            var taken = 0
            repeat {
                let end = min(left.count, taken + 8192)
                guard left.count == right.count else { throw .encoder(.unequalChannels) }
                do throws(MP3EncoderError) {
                    try encoder.encode(
                        left: UnsafeBufferPointer(rebasing: left[taken..<end]),
                        right: UnsafeBufferPointer(rebasing: right[taken..<end]), into: &buffer)
                } catch { throw .encoder(error) }
                if buffer.count >= Self.batch { try writeOut() }
                taken = end
            } while taken < left.count
        }
    }

    /// Encodes samples of both channels, of one length.
    public func append(left: [Int16], right: [Int16]) throws(MP3FileError) {
        try left.withUnsafeBufferPointer { (left) throws(MP3FileError) in
            try right.withUnsafeBufferPointer { (right) throws(MP3FileError) in
                try append(left: left, right: right)
            }
        }
    }

    /// Ends the sound, writes what is left, the chapters and the Info frame. Does not sync and does not
    /// close.
    ///
    /// - Parameters:
    ///   - samples: how many samples the caller believes to have given; nil if it did not count.
    ///   - chapters: written as far as the tag's reserve goes.
    /// - Throws: `encoder(.empty)` if no sample came: such a recording has no file.
    public func finish(
        samples expected: Int64? = nil, chapters: [ID3Tag.Chapter] = []
    ) throws(MP3FileError) -> MP3Summary {
        let summary = try whileOpen { () throws(MP3FileError) in
            let count = encoder.samples
            guard expected == nil || expected == count else {
                throw .sampleCount(expected: expected ?? 0, encoded: count)
            }
            let frame: [UInt8]
            do throws(MP3EncoderError) {
                try encoder.finish(into: &buffer)
                frame = try encoder.infoFrame()
            } catch { throw .encoder(error) }
            try writeOut()
            guard let info = InfoTag(frame), info.frameLength == frame.count, info.isIntact,
                Int64(info.samples) == count, Int64(info.streamBytes) == written - Int64(tagLength)
            else { throw .infoFrame }
            guard let encoded = tag.encoded(length: tagLength, chapters: chapters) else { throw .tag }
            if encoded.chapters > 0 { try rewrite(encoded.bytes, at: 0) }
            try rewrite(frame, at: Int64(tagLength))
            return MP3Summary(
                samples: count, rate: settings.rate, frames: info.frames, bytes: written,
                streamOffset: Int64(tagLength), chapters: encoded.chapters, info: info)
        }
        state = .finished
        return summary
    }

    private func whileOpen<Result>(
        _ body: () throws(MP3FileError) -> Result
    ) throws(MP3FileError) -> Result {
        guard state == .open else { throw .wrongState }
        do throws(MP3FileError) { return try body() } catch {
            state = .failed
            throw error
        }
    }

    private func writeOut() throws(MP3FileError) {
        try buffer.withUnsafeBufferPointer { (bytes) throws(MP3FileError) in
            try output.write(UnsafeRawBufferPointer(bytes))
        }
        written += Int64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    private func rewrite(_ bytes: [UInt8], at offset: Int64) throws(MP3FileError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(MP3FileError) in
            try output.rewrite(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }
}
