// Frames of the three carriers: the first byte says which, the rest is a stream's messages, line by line; and the same as the
// first frames of a stream that may be any carrier's.

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
    recognise(messages.prefix(64).map { UnsafeRawBufferPointer(rebasing: $0) })
    return 0
}

/// What is recognised is what is detected, and what is kept is what came, in order.
private func recognise(_ messages: [UnsafeRawBufferPointer]) {
    var recognition = CarrierRecognition(Set(Carrier.allCases))
    var kept: [UnsafeRawBufferPointer] = []
    for message in messages {
        do {
            switch try recognition.take(message) {
            case .nothing: kept.append(message)
            case .start(let carrier):
                precondition(CarrierCodec.detect(message) == carrier, "two opinions of one start")
            case .stop: precondition(CarrierCodec.detect(message) == nil, "a stop of a carrier's")
            }
        } catch {
            continue
        }
    }
    precondition(recognition.count == kept.count, "kept more or less than came")
    var number = 0
    recognition.forEach { message in
        precondition(message.elementsEqual(kept[number]), "kept something else")
        number += 1
    }
    precondition(number == kept.count, "lost what was kept")
}
