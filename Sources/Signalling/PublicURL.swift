// The server's own address as the world sees it, and the URLs that carriers use of it.

/// A public base: scheme, host, port if written, and a path before ours if a proxy strips one.
public struct PublicURL: Sendable, Hashable {
    /// Whether the scheme is https.
    public let isSecure: Bool
    /// Host and port as written: "bridge.example.com:8443".
    public let authority: String
    /// The path before ours, without a slash at its end; mostly empty.
    public let prefix: String

    /// The base written `text`: "https://bridge.example.com[:port][/prefix]". Nil for any other scheme, user information,
    /// a query, a fragment, a bad host or port.
    public init?(_ text: String) {
        if text.hasPrefix("https://") {
            isSecure = true
        } else if text.hasPrefix("http://") {
            isSecure = false
        } else {
            return nil
        }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var path = rest[slash...]
        while path.last == "/" { path = path.dropLast() }
        guard Self.isAuthority(rest[..<slash]), Self.isVisible(path), !path.contains("?") else { return nil }
        authority = String(rest[..<slash])
        prefix = String(path)
    }

    /// The URL of the request with raw `target` (path and query as on the wire, RFC 9112 §3.2.1), not normalized; nil when
    /// the target is no path.
    public func url(target: String) -> String? { url(isSecure ? "https" : "http", target) }

    /// The URL of the stream with raw `target`: wss, or ws without TLS.
    public func streamURL(target: String) -> String? { url(isSecure ? "wss" : "ws", target) }

    private func url(_ scheme: String, _ target: String) -> String? {
        guard target.utf8.first == UInt8(ascii: "/"), Self.isVisible(target) else { return nil }
        return scheme + "://" + authority + prefix + target
    }

    /// No blank, no control character, no fragment: none of them stands in a request line.
    private static func isVisible(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") }
    }

    /// Whether `text` is a host name or address (in brackets for IPv6) with or without a port (RFC 3986 §3.2.2).
    static func isAuthority(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= 262 else { return false }
        let host: Substring
        var rest = Substring(text)
        if text.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return false }
            host = rest[rest.index(after: rest.startIndex)..<end]
            guard host.contains(":"), !host.contains("%"), IPAddress(host) != nil else { return false }
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            guard !host.isEmpty, host.utf8.allSatisfy(isHostCharacter) else { return false }
            rest = rest[host.endIndex...]
        }
        if rest.isEmpty { return true }
        let port = rest.dropFirst()
        guard rest.first == ":", (1...5).contains(port.utf8.count),
            port.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(port)
        else { return false }
        return (1...65_535).contains(number)
    }

    private static func isHostCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}
