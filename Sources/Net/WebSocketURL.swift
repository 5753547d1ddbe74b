// A WebSocket address taken apart.

/// The parts of a `ws:` or `wss:` address (RFC 6455, section 3) that a connection needs.
struct WebSocketURL: Hashable {
    var isSecure: Bool
    /// Name or numeric address, without brackets.
    var host: String
    var port: UInt16
    /// Path and query as they stand on the request line.
    var target: String

    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let lower = text.lowercased()
        guard lower.hasPrefix("ws://") || lower.hasPrefix("wss://") else { return nil }
        isSecure = lower.hasPrefix("wss://")
        var rest = text.dropFirst(isSecure ? 6 : 5)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let tail = String(rest[end...])
        guard !tail.contains("#") else { return nil }
        target = tail.isEmpty ? "/" : tail.hasPrefix("?") ? "/" + tail : tail
        rest = rest[..<end]
        guard !rest.contains("@") else { return nil }
        port = isSecure ? 443 : 80
        if rest.hasPrefix("[") {
            guard let close = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
        } else {
            let colon = rest.firstIndex(of: ":") ?? rest.endIndex
            host = String(rest[..<colon])
            rest = rest[colon...]
        }
        guard !host.isEmpty else { return nil }
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
            port = number
        }
    }

    /// The value of the Host field.
    var hostField: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }
}
