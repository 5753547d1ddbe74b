// Whom to believe about a request's origin: the configuration; only without it, and only proxies that are trusted,
// headers.

/// The rule by which a request's public base and its sender are found.
public struct TrustedProxies: Sendable {
    /// The configured public base; nil when there is none.
    public let base: PublicURL?
    /// The proxies whose X-Forwarded headers are believed.
    public let proxies: AddressList

    /// A rule of its two parts.
    public init(base: PublicURL?, proxies: AddressList = .empty) {
        self.base = base
        self.proxies = proxies
    }

    /// The public base of a request from `peer`: the configured one, whatever the headers say; else what a trusted proxy
    /// says in X-Forwarded-Proto (http or https) and X-Forwarded-Host, one of each. Else nil: Host is never believed.
    public func base(peer: String, headers: [(name: String, value: String)]) -> PublicURL? {
        if let base { return base }
        guard proxies.contains(peer) else { return nil }
        // Several values are a chain of proxies, of which we do not know who wrote what.
        guard let scheme = Self.only("x-forwarded-proto", headers), scheme == "http" || scheme == "https",
            let host = Self.only("x-forwarded-host", headers), PublicURL.isAuthority(host)
        else { return nil }
        return PublicURL(scheme + "://" + host)
    }

    /// Who sent the request that came from `peer`: the peer itself; behind trusted proxies the last address of
    /// X-Forwarded-For that is no trusted proxy. Nil when an address cannot be read.
    public func sender(peer: String, headers: [(name: String, value: String)]) -> IPAddress? {
        guard var sender = IPAddress(peer) else { return nil }
        var chain: [String] = []
        for header in headers where header.name.lowercased() == "x-forwarded-for" {
            chain += header.value.filter { $0 != " " && $0 != "\t" }.split(
                separator: ",", omittingEmptySubsequences: false
            ).map(String.init)
        }
        // Each proxy appends whom it saw: what stands left of an address that is not trusted anybody may have written.
        while proxies.contains(sender), let before = chain.popLast() {
            guard let address = IPAddress(before) else { return nil }
            sender = address
        }
        return sender
    }

    private static func only(_ name: String, _ headers: [(name: String, value: String)]) -> String? {
        let values = headers.filter { $0.name.lowercased() == name }
        return values.count == 1 ? values.first?.value : nil
    }
}
