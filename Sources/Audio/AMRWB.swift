// AMR-WB: the owners of OpenCORE's decoder and VisualOn's encoder.
import CAMRWB

/// Decodes RFC 4867 payloads of either packing.
struct AMRWBDecoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: UnsafeMutableRawPointer

    /// Nil when the library has no memory.
    init?() {
        guard let made = D_IF_init() else { return nil }
        state = made
    }

    deinit { D_IF_exit(state) }

    /// Appends 320 samples for each frame, those without data and lost ones too; 320 of silence for a malformed
    /// payload. Where a frame has no speech the decoder makes the comfort noise of the standard.
    func decode(_ payload: UnsafeRawBufferPointer, into output: inout [Int16]) {
        guard !payload.isEmpty else { return }
        let known = AMRWBPayload.frames(of: payload) { frame in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: AMRWBPayload.mostStored) { stored in
                AMRWBPayload.store(frame, of: payload, into: stored)
                output.appendFilled(AMRWBPayload.frameSamples) { target in
                    D_IF_decode(state, stored.baseAddress, target.baseAddress, 0)
                }
            }
        }
        if known == nil { output.appendFilled(AMRWBPayload.frameSamples) { _ in } }
    }
}

/// Encodes 20 ms of 16 kHz sound as one bandwidth-efficient payload of `AMRWBPayload.sentBytes`.
struct AMRWBEncoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: UnsafeMutableRawPointer

    /// Nil when the library has no memory.
    init?() {
        guard let made = E_IF_init() else { return nil }
        state = made
    }

    deinit { E_IF_exit(state) }

    /// Appends one payload for the 320 samples in `frame`.
    func encode(_ frame: UnsafeBufferPointer<Int16>, into output: inout [UInt8]) {
        guard frame.count == AMRWBPayload.frameSamples else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { stored in
            stored.update(repeating: 0)
            let made = E_IF_encode(
                state, Int32(AMRWBPayload.sentMode), frame.baseAddress, stored.baseAddress, 0)
            guard made > 0, Int(made) <= stored.count else { return }
            AMRWBPayload.appendBandwidthEfficient(
                UnsafeBufferPointer(rebasing: stored[..<Int(made)]), to: &output)
        }
    }
}
