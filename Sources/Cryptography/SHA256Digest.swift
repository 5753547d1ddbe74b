// SHA-256 of bytes (FIPS 180-4).

import COpenSSL

/// A SHA-256 digest: 32 bytes.
public struct SHA256Digest: Sendable, Hashable {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// The digest of `message`.
    public init(of message: some Collection<UInt8>) throws(CryptographyError) {
        let message = Array(message)
        var output = [UInt8](repeating: 0, count: 32)
        guard SHA256(message, message.count, &output) != nil else { throw .cleared(.digest) }
        bytes = output
    }

    /// A digest read back from bytes; nil when there are not 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// A digest read back from 64 hexadecimal digits; nil when it is none.
    public init?(hex: String) {
        guard let bytes = Hexadecimal.bytes(hex) else { return nil }
        self.init(bytes: bytes)
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { Hexadecimal.text(bytes) }
}
