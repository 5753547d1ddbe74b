// Host names to socket addresses, off the loop.

import Dispatch
import Glibc

/// One address to connect to.
struct SocketAddress: Sendable {
    var family: Int32
    /// The bytes of the `sockaddr`.
    var bytes: [UInt8]
}

/// Looks names up by getaddrinfo, which blocks, on threads of its own.
enum NameResolver {
    private static let queue = DispatchQueue(label: "resolver", attributes: .concurrent)

    /// Looks `host` up and calls `done` with its addresses in getaddrinfo's order (RFC 6724); none: unknown.
    /// A numeric address is answered at once, on the caller's thread.
    static func resolve(
        _ host: String, isAddress: Bool, port: UInt16, done: @escaping @Sendable ([SocketAddress]) -> Void
    ) {
        if isAddress {
            done(look(host, port, flags: AI_NUMERICHOST))
        } else {
            queue.async { done(look(host, port, flags: AI_ADDRCONFIG)) }
        }
    }

    private static func look(_ host: String, _ port: UInt16, flags: Int32) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee, found.count < 16 {
            if let address = info.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen))
                found.append(SocketAddress(family: info.ai_family, bytes: Array(bytes)))
            }
            entry = info.ai_next
        }
        return found
    }
}
