// The owner of one LAME encoder: samples of two channels to MPEG audio layer III.
import CLame
import Glibc
import Telemetry

/// Why encoding failed.
public enum MP3EncoderError: Error, Sendable, Hashable {
    /// The settings are refused.
    case settings(MP3SettingsError)
    /// LAME could not be made: out of memory, or its parameters were refused with this code.
    case unavailable(code: Int32)
    /// LAME failed with this code in the middle of a stream.
    case encode(code: Int32)
    /// Left and right are not of one length.
    case unequalChannels
    /// Nothing was encoded: an MP3 of no samples does not exist.
    case empty
    /// The stream has been finished, or not yet.
    case wrongState
    /// LAME has no Info frame for this stream.
    case noInfoFrame
}

/// Encodes two channels of 16-bit samples at one rate.
///
/// LAME is fed whole frames only, so the bytes depend on the samples alone and not on how they were cut. The
/// stream starts with a placeholder frame, which `infoFrame` replaces at the end.
public struct MP3Encoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the handle has one owner, which cannot be copied; it moves with it from thread to
    // thread.
    private let lame: OpaquePointer
    /// What is encoded and how.
    public let settings: MP3Settings
    /// Samples of one channel taken so far.
    public private(set) var samples: Int64 = 0
    private var left: [Int16] = []
    private var right: [Int16] = []
    private var scratch: [UInt8]
    private var isFinished = false
    /// Silent samples put before a very short recording, told in the Info frame as encoder delay.
    private var lead = 0

    /// LAME asks for 1.25 × samples + 7200 bytes of room (lame.h), and 7200 for the flush.
    private static func room(_ frame: Int) -> Int { frame * 5 / 4 + 7200 }

    /// An encoder for `settings`.
    ///
    /// - Throws: `settings` if they are refused, `unavailable` if LAME cannot be made.
    public init(_ settings: MP3Settings) throws(MP3EncoderError) {
        do { try settings.validate() } catch { throw .settings(error) }
        lame = try Self.makeLame(settings)
        self.settings = settings
        left.reserveCapacity(settings.samplesPerFrame)
        right.reserveCapacity(settings.samplesPerFrame)
        scratch = [UInt8](repeating: 0, count: Self.room(settings.samplesPerFrame))
    }

    deinit { lame_close(lame) }

    /// Encodes samples of both channels, which must be of one length, and appends the frames that are ready.
    public mutating func encode(
        left newLeft: UnsafeBufferPointer<Int16>, right newRight: UnsafeBufferPointer<Int16>,
        into output: inout [UInt8]
    ) throws(MP3EncoderError) {
        guard !isFinished else { throw .wrongState }
        guard newLeft.count == newRight.count else { throw .unequalChannels }
        let frame = settings.samplesPerFrame
        var taken = 0
        while taken < newLeft.count {
            let count = min(frame - left.count, newLeft.count - taken)
            if count == frame {
                try feed(
                    UnsafeBufferPointer(rebasing: newLeft[taken..<taken + count]),
                    UnsafeBufferPointer(rebasing: newRight[taken..<taken + count]), into: &output)
            } else {
                left.append(contentsOf: newLeft[taken..<taken + count])
                right.append(contentsOf: newRight[taken..<taken + count])
                if left.count == frame { try feedPending(into: &output) }
            }
            taken += count
        }
        samples += Int64(newLeft.count)
    }

    /// ffmpeg (5.1) forgets what it should skip at the start when it has to cut the end of the same frame,
    /// which is so below 1152 − 1105 samples: the skip (576 of the encoder, 529 of the decoder) ends in the
    /// second frame. Sound that starts with the third frame is safe.
    private static let shortest = 47

    /// Ends the stream and appends its last frames.
    ///
    /// - Throws: `empty` if no sample was encoded.
    public mutating func finish(into output: inout [UInt8]) throws(MP3EncoderError) {
        guard !isFinished else { throw .wrongState }
        guard samples > 0 else { throw .empty }
        if samples < Self.shortest {
            // So few have not been fed yet.
            lead = Self.shortest
            left.insert(contentsOf: repeatElement(0, count: lead), at: 0)
            right.insert(contentsOf: repeatElement(0, count: lead), at: 0)
        }
        try feedPending(into: &output)
        isFinished = true
        let lame = self.lame
        let made = scratch.withUnsafeMutableBufferPointer {
            lame_encode_flush(lame, $0.baseAddress, Int32($0.count))
        }
        try append(made, to: &output)
    }

    /// The final Info frame (frame count, seek table, delay, padding, checksums), to be written over the
    /// first frame of the stream, which is of the same length. After `finish` only.
    public mutating func infoFrame() throws(MP3EncoderError) -> [UInt8] {
        guard isFinished else { throw .wrongState }
        let lame = self.lame
        let count = scratch.withUnsafeMutableBufferPointer {
            lame_get_lametag_frame(lame, $0.baseAddress, $0.count)
        }
        guard count > 0, count <= scratch.count else { throw .noInfoFrame }
        var frame = Array(scratch[..<count])
        if lead > 0 {
            guard let info = InfoTag(frame) else { throw .noInfoFrame }
            InfoTag.setEncoderDelay(info.encoderDelay + lead, in: &frame)
        }
        return frame
    }

    private mutating func feedPending(into output: inout [UInt8]) throws(MP3EncoderError) {
        guard !left.isEmpty else { return }
        let lame = self.lame
        let made = scratch.withUnsafeMutableBufferPointer { target in
            left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { right in
                    lame_encode_buffer(
                        lame, left.baseAddress, right.baseAddress, Int32(left.count), target.baseAddress,
                        Int32(target.count))
                }
            }
        }
        left.removeAll(keepingCapacity: true)
        right.removeAll(keepingCapacity: true)
        try append(made, to: &output)
    }

    private mutating func feed(
        _ left: UnsafeBufferPointer<Int16>, _ right: UnsafeBufferPointer<Int16>, into output: inout [UInt8]
    ) throws(MP3EncoderError) {
        let lame = self.lame
        let made = scratch.withUnsafeMutableBufferPointer {
            lame_encode_buffer(
                lame, left.baseAddress, right.baseAddress, Int32(left.count), $0.baseAddress, Int32($0.count))
        }
        try append(made, to: &output)
    }

    private func append(_ made: Int32, to output: inout [UInt8]) throws(MP3EncoderError) {
        guard made >= 0 else { throw .encode(code: made) }
        output.append(contentsOf: scratch[..<Int(made)])
    }

    /// Makes LAME ready for `settings`, silent on every channel.
    ///
    /// At every constant bit rate LAME multiplies the sound by a factor of its own against clipping (0.95 up
    /// to 160 kbit/s, 0.97 or 1 above). A recording keeps its level: `scale` undoes the factor, and where it
    /// is another one LAME is made again.
    private static func makeLame(
        _ settings: MP3Settings, scale: Float = 1 / 0.95
    ) throws(MP3EncoderError) -> OpaquePointer {
        guard let lame = lame_init() else { throw .unavailable(code: -2) }
        lame_set_errorf(lame, nil)
        lame_set_debugf(lame, nil)
        lame_set_msgf(lame, nil)
        lame_set_num_channels(lame, 2)
        lame_set_in_samplerate(lame, Int32(settings.rate))
        // Left alone, LAME picks an output rate of its own.
        lame_set_out_samplerate(lame, Int32(settings.rate))
        lame_set_mode(lame, settings.channels == .dual ? STEREO : MONO)
        lame_set_VBR(lame, vbr_off)
        lame_set_brate(lame, Int32(settings.kilobits))
        lame_set_quality(lame, Int32(settings.quality))
        lame_set_scale(lame, scale)
        lame_set_bWriteVbrTag(lame, 1)
        // ID3 is written by us: LAME's has no chapters and could not be reserved.
        lame_set_write_id3tag_automatic(lame, 0)
        let code = LameStart.shared.initialize(lame)
        guard code >= 0, lame_get_brate(lame) == Int32(settings.kilobits) else {
            lame_close(lame)
            throw .unavailable(code: code)
        }
        let level = lame_get_scale(lame)
        if abs(level - 1) > 0.0001, scale == 1 / 0.95, level > 0 {
            lame_close(lame)
            return try makeLame(settings, scale: scale / level)
        }
        return lame
    }
}

/// `lame_init_params` one at a time: it rewrites tables that all encoders of the process share.
private final class LameStart: Sendable {
    static let shared = LameStart()
    private let lock = Lock()

    private init() {
        // Of LAME's memory 276 KiB are two zeroed blocks it hardly touches (loudness analysis, bit buffer).
        // Mapped afresh they cost nothing; from the heap, where glibc puts them once one has been freed, they
        // are cleared and so resident: 380 instead of 150 KiB an encoder, measured. Holding the threshold at
        // its default (process-wide) prevents that.
        _ = mallopt(M_MMAP_THRESHOLD, 128 * 1024)
    }

    func initialize(_ lame: OpaquePointer) -> Int32 { lock.withLock { lame_init_params(lame) } }
}
