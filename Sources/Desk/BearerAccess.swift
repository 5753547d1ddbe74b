// Who may ask (RFC 6750).

import Archive
import Net

/// The tokens that open the API.
public struct BearerAccess: Sendable {
    private let digests: [Digest]
    private let openOnLoopback: Bool

    /// Access by any of `tokens`. With `openOnLoopback` requests of this machine need none, unless they came through a
    /// proxy or under a foreign name.
    public init(tokens: [String], openOnLoopback: Bool = false) {
        digests = tokens.filter { !$0.isEmpty }.map { Digest.sha256(Array($0.utf8)) }
        self.openOnLoopback = openOnLoopback
    }

    /// Whether `request` may pass. Digests are compared, all of them and in constant time: neither the length of a token
    /// nor where a guess goes wrong shows in the time this takes.
    public func admits(_ request: HTTPRequest) -> Bool {
        if openOnLoopback, Self.isLocal(request) { return true }
        guard let field = request.header("Authorization"), let space = field.firstIndex(of: " "),
            field[..<space].lowercased() == "bearer"
        else { return false }
        let token = field[field.index(after: space)...].trimmingOptionalWhitespace()
        guard !token.isEmpty else { return false }
        let digest = Digest.sha256(Array(token.utf8))
        var found = false
        for known in digests where known.equalsInConstantTime(digest) { found = true }
        return found
    }

    /// What a request without access gets (RFC 9110 §11.6.1).
    static let refusal = Problem(
        status: 401, code: "unauthorized", detail: "A bearer token is needed.",
        headers: ["WWW-Authenticate": "Bearer realm=\"teeline\""])

    /// From this machine, straight, and meant for it: a forwarded request is somebody else's, a foreign Host is a page that
    /// had its name resolved to the loopback address, and a page of another site may send simple requests here, whose
    /// answers it may come to know by ways of its own.
    private static func isLocal(_ request: HTTPRequest) -> Bool {
        if request.isFromAnotherSite { return false }
        let address = request.remoteAddress
        guard address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.") else {
            return false
        }
        for name in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] where request.header(name) != nil {
            return false
        }
        // HTTP/1.0 has no Host; no browser speaks it.
        return request.header("Host") == nil || request.authority?.isLoopback == true
    }
}
