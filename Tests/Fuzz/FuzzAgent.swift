// Messages of an agent, line by line, and the answer of its REST interface.

import Agents

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    var codec = AgentCodec()
    for message in ([bytes[...]] + bytes.split(separator: 0x0A)).prefix(64) {
        do {
            _ = try codec.decode(UnsafeRawBufferPointer(rebasing: message))
            precondition(codec.payload.count <= message.count, "more sound than message")
        } catch {
            continue
        }
    }
    do { _ = try AgentEndpoint.signedURL(from: bytes) } catch { return 0 }
    return 0
}
