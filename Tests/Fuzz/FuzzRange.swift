// Range fields (RFC 9110, section 14) for a representation whose length the input chooses.

import Desk

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = UnsafeBufferPointer(start: start, count: count)
    let total = [Int64(0), 1, 100, 1 << 20, .max][Int(bytes[0]) % 5]
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    for field in [text, "bytes=" + text] {
        guard case .partial(let ranges) = RangeOutcome.evaluate(field, total: total) else { continue }
        precondition(!ranges.isEmpty && ranges.count <= RangeOutcome.rangeLimit)
        for range in ranges {
            precondition(
                range.offset >= 0 && range.length > 0 && range.length <= total - range.offset,
                "outside of the file")
        }
    }
    return 0
}
