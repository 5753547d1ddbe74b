// A URL cut into the parts in which carriers differ when they sign it.

/// An absolute URL and its other spellings. Nothing is normalized: a signature is over the very characters.
struct SignedURL: Sendable {
    private let scheme: String
    /// User information with its `@`, and the host with its brackets if it is an IPv6 address.
    private let host: String
    /// Digits without the colon; nil when none is written.
    private let port: String?
    private let path: String
    /// With the question mark; empty when there is none.
    private let tail: String

    /// The parts of `text`; nil when it is no absolute URL of http, https, ws or wss.
    init?(_ text: String) {
        scheme = String(text.prefix { $0 != ":" })
        guard Self.defaultPort(scheme) != nil else { return nil }
        let afterScheme = text.dropFirst(scheme.count)
        guard afterScheme.hasPrefix("://") else { return nil }
        let rest = afterScheme.dropFirst(3)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        let question = rest[end...].firstIndex { "?#".contains($0) } ?? rest.endIndex
        path = String(rest[end..<question])
        tail = String(rest[question...])
        // The port's colon comes after user information and after an address in brackets (RFC 3986 §3.2).
        let afterUser =
            authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
        let afterAddress = authority[afterUser...].lastIndex(of: "]") ?? afterUser
        if let colon = authority[afterAddress...].lastIndex(of: ":") {
            host = String(authority[..<colon])
            let digits = authority[authority.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
            port = String(digits)
        } else {
            host = String(authority)
            port = nil
        }
        guard afterUser < authority.endIndex, host.last != "@" else { return nil }
    }

    /// The URL as written, and with its port left out or the scheme's own added.
    var portVariants: [String] { spellings(schemes: [scheme], paths: [path]) }

    /// `portVariants` under wss and https, with and without a slash at the path's end.
    var upgradeVariants: [String] {
        let isSecure = scheme == "wss" || scheme == "https"
        let other = path.hasSuffix("/") ? String(path.dropLast()) : path + "/"
        return spellings(schemes: isSecure ? ["wss", "https"] : ["ws", "http"], paths: [path, other])
    }

    private func spellings(schemes: [String], paths: [String]) -> [String] {
        schemes.flatMap { scheme in
            let ports = ["", port ?? Self.defaultPort(scheme)].compactMap { $0 }
            return ports.flatMap { port in
                paths.map { scheme + "://" + host + (port.isEmpty ? "" : ":" + port) + $0 + tail }
            }
        }
    }

    /// The first value of query parameter `name`, decoded; nil without one.
    func query(_ name: String) -> String? {
        FormFields(tail.prefix { $0 != "#" }.dropFirst().utf8)?.first(name)
    }

    private static func defaultPort(_ scheme: String) -> String? {
        switch scheme {
        case "https", "wss": "443"
        case "http", "ws": "80"
        default: nil
        }
    }
}
