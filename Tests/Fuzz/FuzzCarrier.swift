// Frames of the three carriers: the first byte says which, the rest is a stream's messages, line by line.

import Audio
import Carriers

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let first = bytes.first else { return 0 }
    let carrier = Carrier.allCases[Int(first) % 3]
    var codec = CarrierCodec(carrier: carrier, outbound: carrier == .telnyx ? .pcmu8k : nil)
    // A whole message for the seeds, and one a line for what the fuzzer makes of them.
    let messages = [bytes[...], bytes.dropFirst()] + bytes.dropFirst().split(separator: 0x0A)
    for message in messages.prefix(64) {
        do {
            let event = try codec.decode(UnsafeRawBufferPointer(rebasing: message))
            if case .media = event {
                precondition(codec.payload.count <= message.count, "more sound than message")
            }
        } catch {
            continue
        }
    }
    return 0
}
