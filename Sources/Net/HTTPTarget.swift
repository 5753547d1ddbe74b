// The request target and the query of a request, decoded; and the check of a WebSocket upgrade.

import Foundation

/// A request target taken apart (RFC 3986 §3.3, §3.4).
struct HTTPTarget {
    /// The path, percent-decoded.
    var path: String
    /// The query's parameters in order, decoded: "+" is a blank (the form encoding of the URL standard).
    var query: [(name: String, value: String)]

    /// Takes `target` apart; nil for a bad escape, a NUL byte, or bytes that are no UTF-8.
    init?(_ target: String) {
        let split = target.firstIndex(of: "?") ?? target.endIndex
        guard let path = Self.decode(target[..<split], plusIsBlank: false) else { return nil }
        self.path = path
        query = []
        guard split < target.endIndex else { return }
        for pair in target[target.index(after: split)...].split(separator: "&") {
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            let rest = equals < pair.endIndex ? pair[pair.index(after: equals)...] : ""
            guard let name = Self.decode(pair[..<equals], plusIsBlank: true),
                let value = Self.decode(rest, plusIsBlank: true)
            else { return nil }
            query.append((name, value))
        }
    }

    /// Takes what stands in a request line apart: path and query, and the host of the absolute form, which "MUST" be accepted
    /// and counts before the Host field (RFC 9112 §3.2.2). Nil for an absolute form without a host, with user information
    /// (RFC 9110 §4.2.4) or of another scheme than http and https.
    static func origin(of line: String) -> (target: String, authority: String?)? {
        guard let first = line.utf8.first, first != UInt8(ascii: "/"), let colon = line.firstIndex(of: ":")
        else { return (line, nil) }
        let rest = line[line.index(after: colon)...]
        guard rest.hasPrefix("//") else { return (line, nil) }
        guard ["http", "https"].contains(line[..<colon].lowercased()) else { return nil }
        let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
        guard HTTPAuthority(authority) != nil else { return nil }
        let target = rest[authority.endIndex...]
        return (target.hasPrefix("/") ? String(target) : "/" + target, String(authority))
    }

    private static func decode(_ text: Substring, plusIsBlank: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0: return nil
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else {
                    return nil
                }
                let value = high << 4 | low
                guard value != 0 else { return nil }
                bytes.append(value)
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes.withUnsafeBytes(isUTF8) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

/// What a server makes of a request that wants to be upgraded.
enum UpgradeVerdict: Hashable {
    /// It may proceed, with this Sec-WebSocket-Accept.
    case accepted(String)
    /// It asks for another version than 13 (RFC 6455 §4.4): 426.
    case otherVersion
    /// It is no right upgrade: 400.
    case malformed

    /// Checks `request`, of HTTP version `version`, by RFC 6455 §4.2.1.
    init(_ request: HTTPRequest, version: String) {
        func values(_ name: String) -> [String] {
            request.headers.filter { $0.name.lowercased() == name }.map(\.value)
        }
        guard request.method == "GET", version == "HTTP/1.1", request.body.isEmpty,
            values("upgrade").contains(where: { headerValue($0, contains: "websocket") }),
            values("connection").contains(where: { headerValue($0, contains: "upgrade") })
        else {
            self = .malformed
            return
        }
        guard values("sec-websocket-version").map({ String($0.trimmed) }) == ["13"] else {
            self = .otherVersion
            return
        }
        let keys = values("sec-websocket-key").map { String($0.trimmed) }
        guard keys.count == 1, let key = keys.first, key.utf8.count == 24,
            Data(base64Encoded: key)?.count == 16
        else {
            self = .malformed
            return
        }
        self = .accepted(webSocketAccept(key))
    }
}
