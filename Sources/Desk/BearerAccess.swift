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

    /// From this machine, straight, and meant for it: a forwarded request is somebody else's, and a foreign Host is a
    /// page that had its name resolved to the loopback address.
    private static func isLocal(_ request: HTTPRequest) -> Bool {
        // A page of another site can send simple requests here; a browser says from where whenever they change things.
        if request.method != "GET", request.method != "HEAD", request.header("Origin") != nil { return false }
        let address = request.remoteAddress
        guard address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.") else {
            return false
        }
        for name in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] where request.header(name) != nil {
            return false
        }
        guard let host = request.header("Host") else { return true }
        let name =
            host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        return ["localhost", "[::1]"].contains(name.lowercased()) || name.hasPrefix("127.")
    }
}
