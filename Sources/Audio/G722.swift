// ITU-T G.722 at 64 kbit/s: the owners of spandsp's encoder and decoder.
import CSpandsp

/// Decodes G.722: one byte is two samples of 16 kHz. Any byte is a code, so nothing can be malformed.
struct G722Decoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: OpaquePointer

    static let bitRate: Int32 = 64_000

    /// Throws `coder` when the library has no memory.
    init() throws(AudioError) {
        guard let made = g722_decode_init(nil, Self.bitRate, 0) else { throw .coder(.g722, code: 0) }
        state = made
    }

    deinit { _ = g722_decode_free(state) }

    /// Appends two samples a byte.
    func decode(_ bytes: UnsafeRawBufferPointer, into output: inout [Int16]) {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count < 1 << 28 else { return }
        output.appendFilled(bytes.count * 2) { target in
            _ = g722_decode(state, target.baseAddress, base, Int32(bytes.count))
        }
    }

    /// Forgets all sound so far.
    func reset() { _ = g722_decode_init(state, Self.bitRate, 0) }
}

/// Encodes G.722 from 16 kHz, two samples a byte.
struct G722Encoder: ~Copyable, @unchecked Sendable {
    // @unchecked Sendable: the state has one owner, which cannot be copied.
    private let state: OpaquePointer

    /// Throws `coder` when the library has no memory.
    init() throws(AudioError) {
        guard let made = g722_encode_init(nil, G722Decoder.bitRate, 0) else { throw .coder(.g722, code: 0) }
        state = made
    }

    deinit { _ = g722_encode_free(state) }

    /// Appends a byte for every two samples. The count has to be even: the library reads pairs.
    func encode(_ samples: UnsafeBufferPointer<Int16>, into output: inout [UInt8]) {
        let pairs = samples.count / 2
        guard pairs > 0, pairs < 1 << 28 else { return }
        output.appendFilled(pairs) { target in
            _ = g722_encode(state, target.baseAddress, samples.baseAddress, Int32(pairs * 2))
        }
    }

    /// Forgets all sound so far.
    func reset() { _ = g722_encode_init(state, G722Decoder.bitRate, 0) }
}
