// Follows a tape and makes its MP3: live while the call runs, or all at once.

import CLinux
import Glibc
import Tape
import Telemetry

/// What the renderer makes.
public struct RenderSettings: Sendable, Hashable {
    /// Dual channel (caller left, agent right) or mixed.
    public var channels: MP3Settings.Channels
    /// Bits a second in thousands for narrowband (8 kHz) calls.
    public var narrowbandKilobits: Int
    /// The same for wideband calls (16 kHz and more).
    public var widebandKilobits: Int
    /// LAME's quality, 0 (best) to 9.
    public var quality: Int

    /// The defaults: dual, 48 kbit/s at 8 kHz, 64 at 16 kHz, quality 5.
    public init(
        channels: MP3Settings.Channels = .dual, narrowbandKilobits: Int = 48, widebandKilobits: Int = 64,
        quality: Int = 5
    ) {
        self.channels = channels
        self.narrowbandKilobits = narrowbandKilobits
        self.widebandKilobits = widebandKilobits
        self.quality = quality
    }

    /// The encoder's settings for a call at `rate` hertz.
    public func mp3(rate: Int) -> MP3Settings {
        MP3Settings(
            rate: rate, channels: channels, kilobits: rate < 16_000 ? narrowbandKilobits : widebandKilobits,
            quality: quality)
    }
}

/// A finished rendering.
public struct RenderResult: Sendable {
    /// What the tape told.
    public var call: RenderedCall
    /// The MP3, or nil for a call in which neither side sent any sound.
    public var mp3: MP3Summary?
    /// CPU nanoseconds that rendering took on its threads.
    public var cpuNanoseconds: Int64
}

/// Renders one tape. Confined to one thread at a time (`RenderPool` sees to it).
public final class CallRenderer {
    private let tapePath: String
    private let outputPath: String
    private let settings: RenderSettings
    private var descriptor: Int32 = -1
    private var readOffset: Int64 = 0
    private var parser = TapeParser()
    private var fold: TapeFold?
    private var pendingHeader: TapeHeader?
    private var writer: MP3FileWriter?
    private var cpu: Int64 = 0

    /// A renderer of the tape at `tapePath` into `outputPath`, a temporary name.
    public init(tapePath: String, outputPath: String, settings: RenderSettings) {
        self.tapePath = tapePath
        self.outputPath = outputPath
        self.settings = settings
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Renders what the tape has by now.
    /// - Throws: `RecordingError`; the tape stays as it is and can be rendered again.
    public func follow() throws(RecordingError) {
        let began = Self.threadNanoseconds()
        defer { cpu += Self.threadNanoseconds() - began }
        if descriptor < 0 {
            descriptor = open(tapePath, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .file(operation: "open_tape", errno: errno) }
        }
        while true {
            let bytes = try Self.read(descriptor, at: readOffset, count: 64 << 10)
            guard !bytes.isEmpty else { return }
            readOffset += Int64(bytes.count)
            bytes.withUnsafeBytes { parser.feed($0) }
            while let record = parser.next() { try take(record) }
        }
    }

    /// The tape has ended: renders the rest and closes the MP3, which is complete but not yet durable.
    /// - Throws: `RecordingError`; `badTape` when there is not even a header.
    public func finish() throws(RecordingError) -> RenderResult {
        try follow()
        let began = Self.threadNanoseconds()
        guard var fold else { throw .badTape }
        pendingHeader = fold.header
        let samples = try fold.finish(read: reader(), emit: emitter())
        var summary: MP3Summary?
        if let writer {
            summary = try translating { () throws(MP3FileError) in try writer.finish(samples: samples) }
        }
        cpu += Self.threadNanoseconds() - began
        let call = RenderedCall(
            header: fold.header, closing: fold.closing, samples: samples,
            turns: TranscriptBuilder.turns(fold.facts, end: samples), events: fold.facts.events,
            missing: fold.facts.missing, callerSamples: fold.facts.callerSamples,
            agentSamples: fold.facts.agentSamples, conversationID: fold.facts.conversationID,
            tapeBytes: parser.validBytes,
            tornBytes: readOffset - parser.validBytes)
        return RenderResult(call: call, mp3: summary, cpuNanoseconds: cpu)
    }

    /// The header of the tape at `path`, or nil when there is no whole one.
    public static func header(ofTape path: String) -> TapeHeader? {
        let renderer = CallRenderer(tapePath: path, outputPath: "/dev/null", settings: RenderSettings())
        do throws(RecordingError) {
            renderer.descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard renderer.descriptor >= 0 else { return nil }
            let bytes = try read(renderer.descriptor, at: 0, count: 64 << 10)
            bytes.withUnsafeBytes { renderer.parser.feed($0) }
            guard let record = renderer.parser.next(), record.kind == .header else { return nil }
            return try TapeFold.document(TapeHeader.self, record)
        } catch {
            return nil
        }
    }

    private func take(_ record: TapeRecord) throws(RecordingError) {
        guard fold != nil else {
            guard record.kind == .header else { throw .badTape }
            fold = try TapeFold(header: TapeFold.document(TapeHeader.self, record), at: record.time)
            return
        }
        // Moved out while it works: `emit` comes back into this object.
        guard var working = fold else { return }
        pendingHeader = working.header
        fold = nil
        defer { fold = working }
        try working.take(record, read: reader(), emit: emitter())
    }

    /// Reads bytes of the tape back.
    private func reader() -> (Int64, Int) throws(RecordingError) -> [UInt8] {
        let descriptor = self.descriptor
        return { offset, count throws(RecordingError) in
            try Self.read(descriptor, at: offset, count: min(count, TapeLayout.longestPayload))
        }
    }

    private func emitter() -> (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void {
        { [self] left, right throws(RecordingError) in try emit(left, right) }
    }

    private func emit(_ left: ArraySlice<Int16>, _ right: ArraySlice<Int16>) throws(RecordingError) {
        try translating { () throws(MP3FileError) in
            let writer: MP3FileWriter
            if let open = self.writer { writer = open } else { writer = try openWriter() }
            self.writer = writer
            try left.withUnsafeBufferPointer { (left) throws(MP3FileError) in
                try right.withUnsafeBufferPointer { (right) throws(MP3FileError) in
                    try writer.append(left: left, right: right)
                }
            }
        }
    }

    /// The file, tagged with what the tape's header tells: nothing of it depends on when it is rendered.
    private func openWriter() throws(MP3FileError) -> MP3FileWriter {
        guard let header = fold?.header ?? pendingHeader else { throw .wrongState }
        // A rendering that was cut short before has left its file: this one replaces it.
        if unlink(outputPath) != 0, errno != ENOENT { throw .open(errno: errno) }
        let date = Self.date(header.startedAt)
        return try MP3FileWriter(
            path: outputPath, settings: settings.mp3(rate: header.rate),
            tag: ID3Tag(
                title: "Call \(header.callID)", recordedAt: date,
                notes: [
                    ID3Tag.Note("TEELINE_CALL_ID", header.callID),
                    ID3Tag.Note("CARRIER", header.carrier),
                    ID3Tag.Note("CARRIER_CALL_ID", header.carrierCallID),
                    ID3Tag.Note(
                        "CHANNELS",
                        settings.channels == .dual ? "left=caller right=agent" : "mixed=caller+agent"),
                ]))
    }

    /// `microseconds` since 1970 as ID3 writes instants: "yyyy-MM-ddTHH:mm:ss", UTC.
    private static func date(_ microseconds: Int64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):"
            + "\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    private func translating<Value>(
        _ body: () throws(MP3FileError) -> Value
    ) throws(RecordingError) -> Value {
        do throws(MP3FileError) {
            return try body()
        } catch {
            switch error {
            case .open(let errno): throw .file(operation: "open_mp3", errno: errno)
            case .write(let errno): throw .file(operation: "write_mp3", errno: errno)
            case .encoder, .tag, .sampleCount, .infoFrame, .wrongState: throw .encoder("\(error)")
            }
        }
    }

    static func read(
        _ descriptor: Int32, at offset: Int64, count: Int
    ) throws(RecordingError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(offset)) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .file(operation: "read_tape", errno: errno) }
            bytes.removeLast(count - got)
            return bytes
        }
    }

    private static func threadNanoseconds() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }
}
