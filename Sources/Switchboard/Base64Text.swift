// Short texts in base64, as Telnyx's client_state wants them.

import Wire

/// Base64 (RFC 4648 §4) of texts.
enum Base64Text {
    static func encode(_ text: String) -> String {
        var output: [UInt8] = []
        Array(text.utf8).withUnsafeBytes { Base64.encode($0, into: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    /// The text; nil when `encoded` is no base64 of UTF-8.
    static func decode(_ encoded: String) -> String? {
        var output: [UInt8] = []
        let isWhole = Array(encoded.utf8).withUnsafeBytes { Base64.decode($0, into: &output) }
        return isWhole ? String(validating: output, as: UTF8.self) : nil
    }
}
