// The opening handshake of a WebSocket (RFC 6455 §4): the client's request and its check, the server's check.

import COpenSSL
import Foundation

/// The accept value of a key (RFC 6455 §4.2.2): SHA-1 of key and GUID, in base64.
func webSocketAccept(_ key: String) -> String {
    let input = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
    SHA1(input, input.count, &digest)
    return Data(digest).base64EncodedString()
}

/// Whether comma-separated `value` has `token`, whatever its case (RFC 9110 §5.6.1).
func headerValue(_ value: some StringProtocol, contains token: String) -> Bool {
    value.split(separator: ",").contains { $0.trimmed.lowercased() == token }
}

extension StringProtocol {
    /// Without blanks and tabs at both ends (optional white space of RFC 9110 §5.6.3).
    var trimmed: SubSequence {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }
}

/// A client's side of the opening handshake.
struct UpgradeRequest: Sendable {
    /// The request as it goes on the wire.
    let bytes: [UInt8]
    private let accept: String

    /// A request for `url` with a random key. Throws `badHandshake` for header fields that would break out of
    /// their line or belong to the handshake.
    init(_ url: WebSocketURL, headers: [(String, String)]) throws(NetError) {
        let key = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        accept = webSocketAccept(key)
        var text = "GET \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\nUpgrade: websocket\r\n"
        text += "Connection: Upgrade\r\nSec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        for (name, value) in headers {
            guard Self.isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }),
                !Self.reserved.contains(name.lowercased())
            else { throw .badHandshake }
            text += "\(name): \(value)\r\n"
        }
        bytes = Array((text + "\r\n").utf8)
    }

    private static let reserved: Set<String> = [
        "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
        "sec-websocket-extensions", "sec-websocket-protocol", "content-length", "transfer-encoding",
    ]

    /// Whether `name` is a token (RFC 9110 §5.6.2).
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
                default: false
                }
            }
    }

    /// Most bytes of the server's status line and header fields.
    static let answerLimit = 16 << 10

    /// Checks the server's answer in `bytes` and says how long it is; nil while it is not whole.
    func check(_ bytes: UnsafeRawBufferPointer) throws(NetError) -> Int? {
        guard let length = Self.headerLength(bytes) else {
            if bytes.count >= Self.answerLimit { throw .badHandshake }
            return nil
        }
        guard length <= Self.answerLimit else { throw .badHandshake }
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<(length - 4)]), as: UTF8.self)
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
        let words = (lines.popFirst() ?? "").split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].utf8.count == 3,
            let status = Int(words[1]), status >= 100
        else { throw .badHandshake }
        guard status == 101 else { throw .refused(status: status) }
        guard words[0] == "HTTP/1.1" else { throw .badHandshake }
        var (isUpgrade, isConnection, isAccepted) = (false, false, false)
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw .badHandshake }
            let value = line[line.index(after: colon)...].trimmed
            switch line[..<colon].lowercased() {
            case "upgrade": isUpgrade = isUpgrade || value.lowercased() == "websocket"
            case "connection": isConnection = isConnection || headerValue(value, contains: "upgrade")
            case "sec-websocket-accept":
                guard value == accept else { throw .badHandshake }
                isAccepted = true
            // None was offered (§4.1, 5 and 6).
            case "sec-websocket-extensions", "sec-websocket-protocol": throw .badHandshake
            default: break
            }
        }
        guard isUpgrade, isConnection, isAccepted else { throw .badHandshake }
        return length
    }

    /// The length of the head up to and with its empty line; nil while there is none.
    private static func headerLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for end in 3..<bytes.count where bytes[end] == 0x0A {
            if bytes[end - 1] == 0x0D, bytes[end - 2] == 0x0A, bytes[end - 3] == 0x0D { return end + 1 }
        }
        return nil
    }
}
