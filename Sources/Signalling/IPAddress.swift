// A numeric address of either family, as a value.

import Glibc

/// An IPv4 or IPv6 address. An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address.
public struct IPAddress: Sendable, Hashable {
    /// 4 or 16 bytes, the first the most significant.
    public let bytes: [UInt8]

    /// Whether it is an IPv4 address.
    public var isFour: Bool { bytes.count == 4 }

    /// From numeric `text`, without brackets and port; a zone of IPv6
    /// ("%eth0", RFC 4007 §11) is left out. Nil for anything else.
    public init?(_ text: some StringProtocol) {
        let text = text.contains(":") ? String(text.prefix { $0 != "%" }) : String(text)
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let sixteen = withUnsafeBytes(of: six) { Array($0) }
            let isMapped = sixteen[..<10].allSatisfy { $0 == 0 } && sixteen[10] == 0xFF && sixteen[11] == 0xFF
            bytes = isMapped ? Array(sixteen[12...]) : sixteen
        } else {
            return nil
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The address with all bits after the first `prefix` cleared.
    public func network(prefix: Int) -> IPAddress {
        IPAddress(
            bytes: bytes.enumerated().map { index, byte in
                let kept = min(max(prefix - 8 * index, 0), 8)
                return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
            })
    }
}
