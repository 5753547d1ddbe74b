// What a server answers to our request for a WebSocket. "@" in the input stands for the accept value of our key, which
// no input could guess.

@testable import Net

/// A request of ours and the accept value that belongs to its key.
private let ours: (request: UpgradeRequest, accept: [UInt8])? = {
    do throws(NetError) {
        let request = try UpgradeRequest(WebSocketURL("wss://agent.example/socket"), headers: [])
        let lines = String(decoding: request.bytes, as: UTF8.self).split(separator: "\r\n")
        let key = lines.first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19)
        return key.map { (request, Array(webSocketAccept(String($0)).utf8)) }
    } catch {
        return nil
    }
}()

/// What a check comes to: a length, nothing yet, or an error.
private enum Outcome: Equatable {
    case whole(Int), waits
    case error(NetError)
}

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let ours else { preconditionFailure("no request of ours") }
    func check(_ bytes: ArraySlice<UInt8>) -> Outcome {
        bytes.withUnsafeBytes { bytes in
            do throws(NetError) {
                return try ours.request.check(bytes).map { .whole($0) } ?? .waits
            } catch {
                return .error(error)
            }
        }
    }
    let answer = UnsafeBufferPointer(start: start, count: count).flatMap {
        $0 == UInt8(ascii: "@") ? ours.accept : [$0]
    }
    let outcome = check(answer[...])
    switch outcome {
    case .whole(let length):
        precondition(length >= 4 && length <= min(answer.count, UpgradeRequest.answerLimit), "too long")
        precondition(answer[..<length].suffix(4).elementsEqual([13, 10, 13, 10]), "cut in the middle")
        precondition(answer.starts(with: Array("HTTP/1.1 101".utf8)), "no upgrade")
        // Bytes behind the answer are frames: they change nothing, and without its end it is not whole.
        precondition(check(answer[..<length]) == outcome && check(answer[..<(length - 1)]) == .waits)
        let head = String(decoding: answer[..<length], as: UTF8.self)
        precondition(head.contains(String(decoding: ours.accept, as: UTF8.self)), "somebody else's answer")
    case .waits:
        precondition(answer.count < UpgradeRequest.answerLimit, "it waits without end")
    case .error(.refused(let status)):
        precondition((100...999).contains(status) && status != 101, "no status")
    case .error(let error):
        precondition(error == .badHandshake, "an answer is good, refused or bad")
    }
    return 0
}
