// A peer that keeps to no rule: bytes on a socket, blocking, with a time limit on everything.

import Damage
import Foundation
import Glibc

/// A TCP connection to a server on this machine.
final class RawPeer {
    private let descriptor: Int32

    /// Connects to `port`; nil when the server takes no connection.
    init?(port: UInt16, receiveBuffer: Int32? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: 15, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Sends all of `bytes`; false when the server has closed or takes no more for fifteen seconds.
    @discardableResult func send(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// What has come by now or comes within fifteen seconds; empty at the end or after the limit.
    func receive(_ most: Int = 65_536) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: most)
        var count = recv(descriptor, &bytes, most, 0)
        // A signal is no end.
        while count < 0, errno == EINTR { count = recv(descriptor, &bytes, most, 0) }
        return Array(bytes.prefix(max(0, count)))
    }

    /// What comes, in however many pieces, until `isWhole` holds of it or nothing more comes.
    func receive(until isWhole: (String) -> Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        while !isWhole(String(decoding: bytes, as: UTF8.self)) {
            let more = receive()
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// The head of an answer, and what came with it.
    func receiveHead() -> String {
        String(decoding: receive(until: { $0.contains("\r\n\r\n") }), as: UTF8.self)
    }

    /// Reads until the server closes, at most `most` bytes.
    func readToEnd(_ most: Int = 1 << 22) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < most {
            let more = receive()
            if more.isEmpty { break }
            all += more
        }
        return all
    }

    /// Breaks the connection (RST).
    func reset() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Upgrades to a WebSocket at `path`; whether the server said 101.
    func upgrade(_ path: String, _ headers: [(name: String, value: String)] = []) -> Bool {
        send(
            "GET \(path) HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + headers.map { "\($0.name): \($0.value)\r\n" }.joined()
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        return receiveHead().hasPrefix("HTTP/1.1 101")
    }

    /// A frame as a client sends it (RFC 6455, section 5.2), with everything free to be wrong.
    static func frame(_ payload: [UInt8], opcode: UInt8 = 1, first: UInt8 = 0x80, isMasked: Bool = true)
        -> [UInt8]
    {
        var bytes = [first | opcode]
        let flag: UInt8 = isMasked ? 0x80 : 0
        if payload.count < 126 {
            bytes.append(flag | UInt8(payload.count))
        } else if payload.count < 65_536 {
            bytes += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            bytes.append(flag | 127)
            withUnsafeBytes(of: UInt64(payload.count).bigEndian) { bytes += Array($0) }
        }
        if isMasked { bytes += [0, 0, 0, 0] }
        return bytes + payload
    }
}

/// What a process holds, from /proc.
struct ProcessLoad {
    var descriptors: Int
    var kilobytes: Int

    init(of pid: Int32) throws {
        descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        kilobytes = Int(line.filter(\.isNumber)) ?? 0
    }
}

/// `message` with one to three wounds: bits, cuts, insertions, doubling, huge numbers, deep nesting.
func wounded(_ message: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = message
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes.removeSubrange(at...)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 40)], at: at)
        case 4: bytes.insert(contentsOf: Array("99999999999999999999999999".utf8), at: at)
        case 5: bytes.insert(contentsOf: [UInt8](repeating: 0x5B, count: 500), at: at)
        default:
            if let digit = bytes.indices.filter({ 0x30...0x39 ~= bytes[$0] }).randomElement(using: &random) {
                bytes.replaceSubrange(digit...digit, with: Array("-9223372036854775808".utf8))
            }
        }
    }
    return bytes
}
