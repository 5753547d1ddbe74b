// WebSocket frames of both sides, whole and cut at a place the input chooses; and addresses.

@testable import Net

/// Everything that `bytes` tell, cut into two pieces at `cut`.
func items(_ bytes: [UInt8], role: WebSocketRole, cut: Int) -> (told: [[UInt8]], breach: UInt16?) {
    var reader = FrameReader(role: role)
    var told: [[UInt8]] = []
    var breach: UInt16?
    for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] where breach == nil {
        var piece = piece
        piece.withUnsafeMutableBytes { input in
            reader.begin(input)
            reading: while true {
                switch reader.next(limit: 4096) {
                case .nothing: break reading
                case .message(let payload, let isText): told.append([isText ? 1 : 2] + Array(payload))
                case .ping(let payload): told.append([9] + Array(payload))
                case .close(let code, let reason):
                    told.append([8, UInt8(code >> 8), UInt8(code & 255)] + Array(reason))
                case .failure(let code):
                    breach = code
                    break reading
                }
            }
            reader.end()
        }
    }
    return (told, breach)
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    let all = Array(UnsafeBufferPointer(start: start, count: count))
    let bytes = Array(all[2...])
    let role: WebSocketRole = all[0] & 1 == 1 ? .server : .client
    let whole = items(bytes, role: role, cut: bytes.count)
    let cut = items(bytes, role: role, cut: Int(all[1]) % (bytes.count + 1))
    precondition(
        whole.told == cut.told && whole.breach == cut.breach, "where the bytes are cut must not matter")
    do throws(NetError) {
        _ = try WebSocketURL(String(decoding: bytes, as: UTF8.self))
    } catch {
        precondition(error == .badURL, "an address is good or bad")
    }
    return 0
}
