// Base64 that has one spelling only.

import Wire

/// Base64 (RFC 4648 §4) whose padding is written and whose left-over bits are zero (§3.5): what decodes is exactly what
/// encodes again, so no other text passes for a signature.
enum CanonicalBase64 {
    /// The bytes that `text` codes; nil when it is no canonical base64.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        let written = Array(text.utf8)
        guard written.withUnsafeBytes({ Base64.decode($0, into: &bytes) }) else { return nil }
        return encode(bytes).utf8.elementsEqual(written) ? bytes : nil
    }

    /// The base64 of `bytes`.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        bytes.withUnsafeBytes { Base64.encode($0, into: &text) }
        return String(decoding: text, as: UTF8.self)
    }
}
