// The address of a WebSocket: `ws:` and `wss:` URLs (RFC 6455 §3).

import Glibc

/// A parsed `ws:` or `wss:` URL.
struct WebSocketURL: Sendable, Hashable {
    /// Whether it is `wss:`.
    var isSecure: Bool
    /// The host, without the brackets of an IPv6 literal.
    var host: String
    /// Whether the host is a numeric address.
    var isAddress: Bool
    /// The port: 80 and 443 are the defaults.
    var port: UInt16
    /// Path and query, verbatim; at least "/".
    var target: String
    /// What the Host header says (RFC 9110 §7.2).
    var authority: String

    /// Parses `text`. Throws `badURL` for another scheme, user information, a fragment, no host, a port out of
    /// range, or anything but visible ASCII.
    init(_ text: String) throws(NetError) {
        guard text.utf8.count <= 8192,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
        else { throw .badURL }
        let lower = text.prefix(6).lowercased()
        let rest: Substring
        if lower.hasPrefix("wss://") {
            (isSecure, rest) = (true, text.dropFirst(6))
        } else if lower.hasPrefix("ws://") {
            (isSecure, rest) = (false, text.dropFirst(5))
        } else {
            throw .badURL
        }
        let split = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let place = rest[..<split]
        let tail = rest[split...]
        target = tail.hasPrefix("/") ? String(tail) : "/" + tail
        guard !place.contains("@") else { throw .badURL }

        let name: Substring
        var digits: Substring?
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else { throw .badURL }
            name = place[place.index(after: place.startIndex)..<end]
            let after = place[place.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .badURL }
            digits = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = place.firstIndex(of: ":") {
            name = place[..<colon]
            digits = place[place.index(after: colon)...]
        } else {
            name = place
        }
        var number: UInt16 = isSecure ? 443 : 80
        if let digits, !digits.isEmpty {
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt16(digits),
                value > 0
            else { throw .badURL }
            number = value
        }
        host = String(name)
        port = number
        authority = String(place)
        var four = in_addr()
        var six = in6_addr()
        let isSix = inet_pton(AF_INET6, host, &six) == 1
        isAddress = isSix || inet_pton(AF_INET, host, &four) == 1
        if place.hasPrefix("[") {
            guard isSix else { throw .badURL }
        } else {
            let isName = name.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true  // digits, letters, - . _
                default: false
                }
            }
            guard isName, !name.isEmpty, name.utf8.count <= 253 else { throw .badURL }
        }
    }
}
