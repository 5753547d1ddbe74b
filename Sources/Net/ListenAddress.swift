// A numeric address to listen on.

import Glibc

/// A `sockaddr` for IPv4 or IPv6 with a port.
struct ListenAddress {
    /// Whether it is an IPv6 address.
    let isSix: Bool
    private var storage = sockaddr_storage()

    /// From numeric `host`; nil when it is none.
    init?(host: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            isSix = false
            withUnsafeMutableBytes(of: &storage) {
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                address.sin_addr = four
                $0.storeBytes(of: address, as: sockaddr_in.self)
            }
        } else if inet_pton(AF_INET6, host, &six) == 1 {
            isSix = true
            withUnsafeMutableBytes(of: &storage) {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                address.sin6_addr = six
                $0.storeBytes(of: address, as: sockaddr_in6.self)
            }
        } else {
            return nil
        }
    }

    /// Calls `body` with the address.
    func withPointer<Value>(_ body: (UnsafePointer<sockaddr>?) -> Value) -> Value {
        withUnsafeBytes(of: storage) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress) }
        }
    }
}
