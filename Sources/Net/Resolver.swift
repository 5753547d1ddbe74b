// Names to addresses, away from the loops: getaddrinfo blocks.

import CLinux
import Glibc
import Telemetry

/// A socket address ready for connect(2).
struct SocketAddress: Sendable {
    var bytes: [UInt8]
    var family: Int32
}

/// Two threads that resolve names; numeric addresses are resolved at once.
final class Resolver: @unchecked Sendable {
    // `queue` and `threads` are guarded by `lock`.
    static let shared = Resolver()

    private struct Question {
        var host: String
        var port: UInt16
        var answer: @Sendable ([SocketAddress]) -> Void
    }

    private let lock = Lock()
    private var queue: [Question] = []
    private var threads: [WorkerThread] = []

    /// Calls `answer`, on whatever thread, with the addresses of `host`; empty when there are none.
    func resolve(_ host: String, port: UInt16, answer: @escaping @Sendable ([SocketAddress]) -> Void) {
        let numeric = Self.lookUp(host, port: port, flags: AI_NUMERICHOST)
        guard numeric.isEmpty else { return answer(numeric) }
        lock.withLock(signal: true) {
            queue.append(Question(host: host, port: port, answer: answer))
            if threads.isEmpty {
                threads = (0..<2).map { number in WorkerThread(name: "resolve-\(number)") { [self] in loop() }
                }
            }
        }
    }

    private func loop() {
        while true {
            let question = lock.withLock { () -> Question in
                while queue.isEmpty { lock.wait(milliseconds: 60_000) }
                return queue.removeFirst()
            }
            question.answer(Self.lookUp(question.host, port: question.port, flags: AI_ADDRCONFIG))
        }
    }

    private static func lookUp(_ host: String, port: UInt16, flags: Int32) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_flags = flags | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.pointee.ai_addrlen))
                addresses.append(SocketAddress(bytes: Array(bytes), family: entry.pointee.ai_family))
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
