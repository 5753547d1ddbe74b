// A service that takes requests and closes without a word, or waits without one.

import Foundation
import Glibc
import Telemetry
import Testing

/// Listens on a port of 127.0.0.1, reads one piece of each request and closes; or waits for the peer to close.
final class MuteService: @unchecked Sendable {
    // `lock` guards `count` and `waiting`; the rest is constant.
    private let lock = Lock()
    private var count = 0
    private var waiting = 0
    private let descriptor: Int32
    private let port: UInt16

    init(isPatient: Bool = false) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
                    && listen(socket, 128) == 0
            }
        }
        try #require(isListening)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            // Closed by who waits on it: until then its number is nobody else's.
            defer { _ = Glibc.close(socket) }
            while true {
                let peer = accept(socket, nil, nil)
                if peer < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard peer >= 0 else { return }
                if isPatient {
                    Thread.detachNewThread { [self] in serve(peer, isPatient: true) }
                } else {
                    serve(peer, isPatient: false)
                }
            }
        }
    }

    private func serve(_ peer: Int32, isPatient: Bool) {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        if Self.receive(peer, &bytes) > 0 {
            lock.withLock { (count, waiting) = (count + 1, waiting + 1) }
            while isPatient, Self.receive(peer, &bytes) > 0 {}
            lock.withLock { waiting -= 1 }
        }
        _ = Glibc.close(peer)
    }

    /// How many bytes came of `peer`; none at its end. A signal is no end.
    private static func receive(_ peer: Int32, _ bytes: inout [UInt8]) -> Int {
        let most = bytes.count
        var count = recv(peer, &bytes, most, 0)
        while count < 0, errno == EINTR { count = recv(peer, &bytes, most, 0) }
        return count
    }

    var baseURL: String { "http://127.0.0.1:\(port)" }
    /// How many requests came.
    var requests: Int { lock.withLock { count } }

    /// How many requests wait for an answer.
    var unanswered: Int { lock.withLock { waiting } }

    /// Ends the thread that waits for peers. Once.
    func stop() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
}
