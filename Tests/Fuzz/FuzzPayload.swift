// Payloads of every codec: the first byte says which, the rest is payloads, each behind a byte of length.

import Audio

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let first = bytes.first else { return 0 }
    let formats = [
        AudioFormat.g722, .amrwb, AudioFormat(.opus, rate: 8_000), AudioFormat(.opus, rate: 16_000),
        AudioFormat(.pcm16auto, rate: 16_000),
    ]
    let format = formats[Int(first) % formats.count]
    do {
        var decoder = try SampleDecoder(format)
        var samples: [Int16] = []
        var rest = bytes.dropFirst()
        while let length = rest.first {
            let payload = UnsafeRawBufferPointer(rebasing: rest.dropFirst().prefix(Int(length)))
            rest = rest.dropFirst(Int(length) + 1)
            samples.removeAll(keepingCapacity: true)
            decoder.decode(payload, into: &samples)
            let told = format.measure(payload)
            precondition(
                format.codec.isLinear || samples.count == told.samples, "another length than the payload says"
            )
            precondition(!told.isMalformed || samples.allSatisfy { $0 == 0 }, "a malformed payload sounds")
        }
    } catch {
        return 0
    }
    return 0
}
