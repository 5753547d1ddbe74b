// WebSocket frames of both sides, whole and cut at a place the input chooses; and the answer to an upgrade.

@testable import Net

/// Everything that `bytes` tell, cut into two pieces at `cut`.
func items(_ bytes: [UInt8], isServer: Bool, cut: Int) -> (told: [[UInt8]], breach: UInt16?) {
    var reader = WebSocketReader(isServer: isServer)
    var told: [[UInt8]] = []
    var inbox: [UInt8] = []
    for piece in [bytes[..<cut], bytes[cut...]] {
        inbox += piece
        do {
            while true {
                let taken = try inbox.withUnsafeMutableBytes { (all) throws(WebSocketBreach) -> Int? in
                    try reader.take(all, limit: 4096) { item in
                        switch item {
                        case .message(let payload, let isText): told.append([isText ? 1 : 2] + Array(payload))
                        case .ping(let payload): told.append([9] + Array(payload))
                        case .pong: told.append([10])
                        case .close(let code, let reason):
                            told.append([8, UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8))
                        }
                    }
                }
                guard let taken else { break }
                precondition(taken > 0 && taken <= inbox.count, "a frame of no length")
                inbox.removeFirst(taken)
            }
        } catch let breach as WebSocketBreach {
            return (told, breach.code)
        } catch {
            return (told, 0)
        }
    }
    return (told, nil)
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    let all = Array(UnsafeBufferPointer(start: start, count: count))
    let bytes = Array(all[2...])
    let isServer = all[0] & 1 == 1
    let whole = items(bytes, isServer: isServer, cut: bytes.count)
    let cut = items(bytes, isServer: isServer, cut: Int(all[1]) % (bytes.count + 1))
    precondition(
        whole.told == cut.told && whole.breach == cut.breach, "where the bytes are cut must not matter")
    _ = WebSocketHandshake.check(answer: String(decoding: bytes, as: UTF8.self), accept: "x")
    _ = WebSocketHandshake.isKey(String(decoding: bytes, as: UTF8.self))
    _ = WebSocketURL(String(decoding: bytes, as: UTF8.self))
    return 0
}
