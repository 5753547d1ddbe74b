// Comparison of secrets that takes the same time wherever they differ.

import COpenSSL

/// Comparison in constant time.
public enum ConstantTime {
    /// Whether `left` and `right` are the same bytes. The time depends on their lengths only, never on where they
    /// differ (CRYPTO_memcmp).
    public static func equal(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        let (left, right) = (Array(left), Array(right))
        guard left.count == right.count else { return false }
        guard !left.isEmpty else { return true }
        return CRYPTO_memcmp(left, right, left.count) == 0
    }
}
