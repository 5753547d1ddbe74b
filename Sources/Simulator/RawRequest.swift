// Requests the HTTP client cannot make: a POST in chunks (RFC 9112 §7.1), a GET whose redirection is not followed.

import Dispatch
import Glibc

/// Sends one request over a connection of its own.
enum RawRequest {
    /// Posts `body` in pieces to an `http:` address of this machine; the answer's status, 0 when none came.
    static func post(
        _ body: [UInt8], to url: String, headers: [(name: String, value: String)], pieceBytes: Int
    ) async -> Int {
        var coded: [UInt8] = []
        var start = 0
        while start < body.count {
            let end = min(start + max(pieceBytes, 1), body.count)
            coded += Array((String(end - start, radix: 16) + "\r\n").utf8) + body[start..<end] + [0x0D, 0x0A]
            start = end
        }
        coded += Array("0\r\n\r\n".utf8)
        let message = coded
        return await beside { exchange("POST", url, headers + [("Transfer-Encoding", "chunked")], message) }
    }

    /// Gets an `http:` address of this machine; the answer's status as it is, 0 when none came.
    static func get(_ url: String) async -> Int { await beside { exchange("GET", url, [], []) } }

    private static func beside(_ work: @escaping @Sendable () -> Int) async -> Int {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: work()) }
        }
    }

    private static func exchange(
        _ method: String, _ url: String, _ headers: [(name: String, value: String)], _ body: [UInt8]
    ) -> Int {
        guard let parts = FormText.split(url: url), parts.scheme == "http" else { return 0 }
        let authority = parts.rest.prefix { $0 != "/" && $0 != "?" }
        let tail = parts.rest[authority.endIndex...]
        let place = authority.split(separator: ":")
        guard let host = place.first, let port = place.count > 1 ? UInt16(place[1]) : 80 else { return 0 }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : String(host), &address.sin_addr) == 1
        else {
            return 0
        }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        // More than a server takes for a large body, which it may answer late.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        let width = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, width)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, width)
        let status = withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) {
                connect(descriptor, $0.baseAddress, socklen_t(bytes.count))
            }
        }
        guard status == 0 else { return 0 }
        // A query without a path stands behind the root (RFC 9112 §3.2.1).
        let target = tail.hasPrefix("/") ? String(tail) : "/" + tail
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        let message = Array((head + "Connection: close\r\n\r\n").utf8) + body
        var sent = 0
        while sent < message.count {
            let count = message.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), message.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            // Who refuses may answer before all is sent.
            guard count > 0 else { break }
            sent += count
        }
        var answer = [UInt8](repeating: 0, count: 512)
        var come = 0
        while come < answer.count {
            let count = answer.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: come), $0.count - come, 0)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            come += count
        }
        guard come > 12 else { return 0 }
        let line = String(decoding: answer.prefix(min(come, 64)), as: UTF8.self).split(separator: " ")
        return line.count > 1 ? Int(line[1].prefix(3)) ?? 0 : 0
    }
}
