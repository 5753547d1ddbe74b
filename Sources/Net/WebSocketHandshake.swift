// The HTTP side of opening a WebSocket (RFC 6455, section 4). Pure.

import COpenSSL

/// Keys, answers and checks of the opening handshake.
enum WebSocketHandshake {
    /// The fixed text of RFC 6455, section 1.3.
    private static let magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// The Sec-WebSocket-Accept value for `key`.
    static func accept(key: String) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        let input = Array((key + magic).utf8)
        SHA1(input, input.count, &digest)
        return base64(digest)
    }

    static func base64(_ bytes: [UInt8]) -> String {
        var output = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&output, bytes, Int32(bytes.count))
        return String(decoding: output.prefix(Int(count)), as: UTF8.self)
    }

    /// Whether `key` is 16 bytes in base64, as a client's must be (section 4.1).
    static func isKey(_ key: String) -> Bool {
        let text = Array(key.utf8)
        guard text.count == 24, text.suffix(2).elementsEqual("==".utf8) else { return false }
        return text.dropLast(2).allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || $0 == 0x2B
                || $0 == 0x2F
        }
    }

    /// Where the empty line after a head ends, or nil.
    static func endOfHead(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 0...(bytes.count - 4)
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10
        {
            return index + 4
        }
        return nil
    }

    /// Checks a server's answer to our upgrade.
    static func check(answer: String, accept: String) -> Result<Void, NetError> {
        // A CRLF is one character to Swift; both it and a lone line feed end a line.
        let lines = answer.split(whereSeparator: \.isNewline)
        guard let first = lines.first else { return .failure(.badHandshake) }
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]),
            (100...599).contains(status)
        else { return .failure(.badHandshake) }
        guard status == 101 else { return .failure(.refused(status: status)) }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return .failure(.badHandshake) }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields[line[..<colon].lowercased()] = String(
                value.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
        guard fields["upgrade"]?.lowercased() == "websocket",
            fields["connection"]?.lowercased().contains("upgrade") == true,
            fields["sec-websocket-accept"] == accept, fields["sec-websocket-extensions"] == nil,
            fields["sec-websocket-protocol"] == nil
        else { return .failure(.badHandshake) }
        return .success(())
    }
}
