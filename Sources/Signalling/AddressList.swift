// Networks that are trusted or allowed, and whether an address is in one.

/// Why a text is no list of networks: its place in the list, from 0. The text itself is not repeated.
public struct AddressListError: Error, Sendable, Hashable {
    /// Which entry is neither an address nor a network.
    public var index: Int

    /// The entry at `index` is none.
    public init(index: Int) { self.index = index }
}

/// A list of addresses and networks in CIDR notation (RFC 4632, RFC 4291 §2.3).
public struct AddressList: Sendable, Hashable {
    private struct Network: Sendable, Hashable {
        var address: IPAddress
        var prefix: Int
    }

    private let networks: [Network]

    /// No address at all.
    public static let empty = AddressList()

    private init() { networks = [] }

    /// The list of "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" and their like. Bits of an address after its prefix do not
    /// count.
    public init(_ texts: [String]) throws(AddressListError) {
        var networks: [Network] = []
        for (index, text) in texts.enumerated() {
            guard let network = Self.network(text) else { throw AddressListError(index: index) }
            networks.append(network)
        }
        self.networks = networks
    }

    /// Whether there is nothing in it.
    public var isEmpty: Bool { networks.isEmpty }

    /// Whether `address` is in one of the networks. A network of one family holds no address of the other, but mapped
    /// IPv4 addresses are IPv4.
    public func contains(_ address: IPAddress) -> Bool {
        // Addresses of two families differ in length.
        networks.contains { address.network(prefix: $0.prefix) == $0.address }
    }

    /// Whether the address written `text` is in one of the networks; false when it is no address.
    public func contains(_ text: String) -> Bool { IPAddress(text).map(contains) ?? false }

    private static func network(_ text: String) -> Network? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard !text.contains("%"), let address = IPAddress(parts[0]) else { return nil }
        let bits = 8 * address.bytes.count
        guard parts.count == 2 else { return Network(address: address, prefix: bits) }
        let digits = parts[1]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            digits.utf8.count == 1 || digits.utf8.first != 0x30, var prefix = Int(digits)
        else { return nil }
        // The prefix of a mapped IPv4 network is counted in IPv6 bits.
        if address.isFour, parts[0].contains(":") { prefix -= 96 }
        guard (0...bits).contains(prefix) else { return nil }
        return Network(address: address.network(prefix: prefix), prefix: prefix)
    }
}
