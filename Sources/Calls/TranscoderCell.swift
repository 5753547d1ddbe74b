// Holds a transcoder for a machine that is moved as a value.

import Audio

/// A transcoder in one place. Confined to the call that made it.
final class TranscoderCell {
    private var transcoder: Transcoder

    init(from input: AudioFormat, to output: AudioFormat) throws(AudioError) {
        transcoder = try Transcoder(from: input, to: output)
    }

    func transcode(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        transcoder.transcode(bytes, into: &output)
    }

    /// `samples` of silence in place of input.
    func silence(_ samples: Int, into output: inout [UInt8]) { transcoder.silence(samples, into: &output) }

    /// Whether sound waits for a packet to be filled.
    var hasPartialFrame: Bool { transcoder.hasPartialFrame }

    /// Fills the packet that is not full with silence.
    func fillFrame(into output: inout [UInt8]) { transcoder.fillFrame(into: &output) }

    func reset() { transcoder.reset() }
}
