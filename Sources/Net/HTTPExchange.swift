// One request of libmicrohttpd on its way to the handler and back.

import CMicroHTTPD
import Glibc

/// What a request has gathered so far. One per request, handed to libmicrohttpd as its per-request pointer.
final class HTTPExchange {
    // Touched on the one daemon thread that has the connection.

    /// Path and query of the request target as they stood on the wire.
    let target: String
    /// The host that the request target named itself; nil in the usual form.
    private let authority: String?
    /// Whether the request line names nothing that can be asked for.
    let isMisdirected: Bool
    var hasBegun = false
    var isTooLarge = false
    /// Whether there was no memory for its body.
    var isBeyondBudget = false
    /// The memory of its body, when that may be a large one.
    var hold: HTTPBodyHold?
    var isAnswered = false
    var body: [UInt8] = []
    /// Most bytes of the body.
    var bodyBytes = 0
    /// Whether the time its body takes is watched.
    var isWatched = false
    /// The answer to come, when the handler deferred it.
    var deferral: HTTPDeferral?
    /// Bytes of the body that were read, kept or not.
    var received = 0
    /// Whether the connection is HTTP's no more after it.
    var isUpgrade = false
    /// Takes the raw socket once 101 is sent.
    var upgrade: (@Sendable (UpgradedSocket) -> Void)?

    /// A request of `line`, the request target as it stood on the wire.
    init(target line: String) {
        let origin = HTTPTarget.origin(of: line)
        target = origin?.target ?? line
        authority = origin?.authority
        isMisdirected = origin == nil
    }

    /// Takes a piece of the body; false when the peer goes on far beyond the bound.
    func take(_ piece: UnsafeRawBufferPointer, limit: Int) -> Bool {
        received &+= piece.count
        if received > limit {
            isTooLarge = true
            (body, hold) = ([], nil)
        } else if isBeyondBudget || hold?.grow(piece.count) == false {
            // It is read to its end all the same, so that the peer comes to read its 503.
            isBeyondBudget = true
            (body, hold) = ([], nil)
        } else {
            body.append(contentsOf: piece)
        }
        // What is too large is read on a little, so that the peer comes to read its 413.
        return received >= 0 && received - limit <= 512 << 10
    }

    /// The request as a value; nil when its target cannot be decoded.
    func request(_ connection: OpaquePointer, method: String) -> HTTPRequest? {
        guard !isMisdirected, let parts = HTTPTarget(target) else { return nil }
        var headers = Self.headers(connection)
        if let authority {
            headers.removeAll { $0.name.lowercased() == "host" }
            headers.insert(("Host", authority), at: 0)
        }
        var request = HTTPRequest(
            method: method, path: parts.path, target: target, query: parts.query,
            headers: headers, body: body, remoteAddress: Self.peer(connection))
        request.hold = hold
        return request
    }

    /// The header fields in order.
    static func headers(_ connection: OpaquePointer) -> [(name: String, value: String)] {
        final class Collected { var fields: [(name: String, value: String)] = [] }
        let collected = Collected()
        MHD_get_connection_values(
            connection, .HEADER_KIND,
            { owner, _, name, value in
                guard let owner, let name else { return .YES }
                let collected = Unmanaged<Collected>.fromOpaque(owner).takeUnretainedValue()
                collected.fields.append((String(cString: name), value.map { String(cString: $0) } ?? ""))
                return .YES
            }, Unmanaged.passUnretained(collected).toOpaque())
        return withExtendedLifetime(collected) { collected.fields }
    }

    /// The peer's address as text; IPv4 in IPv6 ("::ffff:…") as IPv4.
    static func peer(_ connection: OpaquePointer) -> String {
        guard let address = teeline_http_peer(connection) else { return "" }
        let isSix = Int32(address.pointee.sa_family) == AF_INET6
        let size = isSix ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
            guard let start = text.baseAddress,
                getnameinfo(address, socklen_t(size), start, 128, nil, 0, NI_NUMERICHOST) == 0
            else { return "" }
            let name = String(cString: start)
            return name.hasPrefix("::ffff:") && name.contains(".") ? String(name.dropFirst(7)) : name
        }
    }
}
