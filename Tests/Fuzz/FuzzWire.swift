// JSON against Foundation's reader, and base64 against its own encoder.

import Foundation
import Wire

/// Walks one value to its end.
func walk(_ scanner: inout JSONScanner, _ depth: Int) {
    if depth < 70, scanner.enterObject() {
        while let name = scanner.nextMember() {
            _ = name.string(limit: 64)
            walk(&scanner, depth + 1)
        }
    } else if let value = scanner.value() {
        _ = value.integer
        _ = value.text?.string(limit: 1 << 20)
    }
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    var scanner = JSONScanner(bytes)
    walk(&scanner, 0)
    _ = scanner.finish()
    var decoded: [UInt8] = []
    if Base64.decode(bytes, into: &decoded) {
        var again: [UInt8] = []
        decoded.withUnsafeBytes { Base64.encode($0, into: &again) }
        var twice: [UInt8] = []
        precondition(
            again.withUnsafeBytes { Base64.decode($0, into: &twice) } && twice == decoded,
            "base64 does not return")
    }
    return 0
}
