// Which host a request names, and whether a browser says that another site's page sent it.

/// A host with an optional port, as the Host field and an Origin name it (RFC 9110 §7.2, RFC 6454 §7).
public struct HTTPAuthority: Sendable, Hashable {
    /// The host in lower case; an IPv6 address in its brackets.
    public let host: String
    /// The port; nil when none is written.
    public let port: UInt16?

    /// Takes `text` apart; nil for what is no host, user information ("a@b") included.
    public init?(_ text: some StringProtocol) {
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let name = text[...end]
            guard
                name.utf8.dropFirst().dropLast().allSatisfy({
                    Self.isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                })
            else { return nil }
            host = name.lowercased()
            rest = Substring(text[text.index(after: end)...])
        } else {
            let name = text.prefix { $0 != ":" }
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isOfAName) else { return nil }
            host = name.lowercased()
            rest = Substring(text[name.endIndex...])
        }
        guard !rest.isEmpty else {
            port = nil
            return
        }
        let digits = rest.dropFirst()
        guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        // A port may be left empty (RFC 3986 §3.2.3).
        if digits.isEmpty {
            port = nil
        } else {
            guard let number = UInt16(digits) else { return nil }
            port = number
        }
    }

    /// Whether it is a name of this machine that no name server has a say in: `localhost`, `[::1]`, or an address of
    /// 127.0.0.0/8 as four plain decimal numbers (RFC 6761 §6.3, RFC 1122 §3.2.1.3).
    public var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers.first == "127"
            && numbers.allSatisfy { number in
                (1...3).contains(number.utf8.count) && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && UInt8(number).map { String($0) == number } == true
            }
    }

    /// The same without a port that `scheme` means anyhow.
    fileprivate func without(defaultOf scheme: String) -> String {
        let usual: UInt16? = scheme == "https" ? 443 : scheme == "http" ? 80 : nil
        return host + (port == usual ? "" : port.map { ":\($0)" } ?? "")
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }

    private static func isOfAName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}

extension HTTPRequest {
    /// The host that it is meant for; nil without a Host field, and for one that names none.
    public var authority: HTTPAuthority? { header("Host").flatMap { HTTPAuthority($0) } }

    /// Whether a browser says that a page of another origin sent it: by an Origin that is not its own host and port (`null`
    /// is nobody's), or by Sec-Fetch-Site (Fetch Metadata §2.4), where `same-site` is another origin, too. What is no
    /// browser says neither.
    public var isFromAnotherSite: Bool {
        let sites = headers.filter { $0.name.lowercased() == "sec-fetch-site" }
        guard sites.allSatisfy({ ["same-origin", "none"].contains($0.value.lowercased()) }) else {
            return true
        }
        let origins = headers.filter { $0.name.lowercased() == "origin" }
        return !origins.allSatisfy { isOwn($0.value) }
    }

    private func isOwn(_ origin: String) -> Bool {
        let parts = origin.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let scheme = parts.first?.lowercased(), ["http", "https"].contains(scheme),
            let rest = parts.last, rest.hasPrefix("//"), let named = HTTPAuthority(rest.dropFirst(2)),
            let host = authority
        else { return false }
        return named.without(defaultOf: scheme) == host.without(defaultOf: scheme)
    }
}
