// Forms, percent-encoding and Basic credentials as simulated services read and write them.

import Wire

/// `application/x-www-form-urlencoded` (URL Standard §5), read and written for the simulated services alone.
enum FormText {
    /// The fields of `body` in order; nil for a bad escape or bytes that are no UTF-8.
    static func fields(_ body: [UInt8]) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0], plusIsBlank: true),
                let value = parts.count > 1 ? decoded(parts[1], plusIsBlank: true) : ""
            else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    /// `fields` as a body or a query.
    static func text(_ fields: [(name: String, value: String)]) -> String {
        fields.map { escaped($0.name) + "=" + escaped($0.value) }.joined(separator: "&")
    }

    /// `text` with everything but unreserved characters percent-encoded (RFC 3986 §2.3).
    static func escaped(_ text: String) -> String {
        var output = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                output.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                output += digits.utf8.count == 1 ? "%0" + digits : "%" + digits
            }
        }
        return output
    }

    /// `text` without its escapes; nil for a bad one.
    static func decoded(_ text: some Collection<UInt8>, plusIsBlank: Bool) -> String? {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next(), let low = rest.next(),
                    let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16),
                    high != UInt8(ascii: "+"), high != UInt8(ascii: "-")
                else { return nil }
                bytes.append(value)
            } else {
                bytes.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The value of an Authorization field with `name` and `secret` (RFC 7617).
    static func basic(_ name: String, _ secret: String) -> String {
        var output = [UInt8]("Basic ".utf8)
        Array((name + ":" + secret).utf8).withUnsafeBytes { Base64.encode($0, into: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    /// Whether `text` is base64.
    static func isBase64(_ text: String) -> Bool {
        var output: [UInt8] = []
        return Array(text.utf8).withUnsafeBytes { Base64.decode($0, into: &output) }
    }

    /// The scheme of an absolute URL in lower case, and all behind `://`.
    static func split(url: String) -> (scheme: String, rest: Substring)? {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        let rest = url[url.index(colon, offsetBy: 3)...]
        return rest.isEmpty ? nil : (url[..<colon].lowercased(), rest)
    }

    /// Whether `url` is a WebSocket address a carrier takes: `wss:`, or `ws:` to this machine, where simulations run.
    static func isSecureSocket(_ url: String) -> Bool {
        guard isURL(url, ["wss", "ws"]), let parts = split(url: url) else { return false }
        let host = parts.rest.prefix { $0 != "/" && $0 != "?" && $0 != ":" }
        return parts.scheme == "wss" || host == "127.0.0.1" || host == "localhost"
    }

    /// Whether `url` is absolute, of one of `schemes`, and names a host.
    static func isURL(_ url: String, _ schemes: Set<String>) -> Bool {
        guard let parts = split(url: url), schemes.contains(parts.scheme) else { return false }
        let host = parts.rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
