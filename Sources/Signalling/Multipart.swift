// `multipart/form-data` bodies (RFC 7578): the fields of a form, without files.

/// The fields of a multipart body, in order.
struct Multipart {
    /// Names and values; parts that are files are left out.
    private(set) var fields: [(name: String, value: String)] = []

    /// Reads `body`; nil when the content type names no boundary, the body has no such parts or more than 512, or a
    /// value is no UTF-8.
    init?(_ body: [UInt8], contentType: String) {
        guard let boundary = Self.parameter("boundary", of: contentType), !boundary.isEmpty,
            boundary.utf8.count <= 70
        else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard var start = Self.find(delimiter, in: body, from: 0) else { return nil }
        while true {
            let open = start + delimiter.count
            // Two hyphens close the body (RFC 2046 §5.1.1).
            if body[open...].starts(with: [0x2D, 0x2D]) { return }
            guard fields.count < SignallingLimits.fields,
                let end = Self.find([0x0D, 0x0A] + delimiter, in: body, from: open),
                let blank = Self.find([0x0D, 0x0A, 0x0D, 0x0A], in: body, from: open), blank + 2 <= end
            else { return nil }
            let head = String(decoding: body[open..<blank], as: UTF8.self)
            guard read(head, body[min(blank + 4, end)..<end]) else { return nil }
            start = end + 2
        }
    }

    private mutating func read(_ head: String, _ value: ArraySlice<UInt8>) -> Bool {
        for line in head.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":"),
                line[..<colon].lowercased() == "content-disposition"
            else { continue }
            let disposition = String(line[line.index(after: colon)...])
            guard Self.parameter("filename", of: disposition) == nil else { return true }
            guard let name = Self.parameter("name", of: disposition),
                let text = String(validating: value, as: UTF8.self)
            else { return false }
            fields.append((name, text))
            return true
        }
        return false
    }

    /// The parameter `name` of a header field's value, unquoted.
    static func parameter(_ name: String, of value: String) -> String? {
        for piece in value.split(separator: ";").dropFirst() {
            guard let equals = piece.firstIndex(of: "=") else { continue }
            let key = piece[..<equals].filter { $0 != " " && $0 != "\t" }.lowercased()
            guard key == name else { continue }
            var text = piece[piece.index(after: equals)...]
            while text.last == " " || text.last == "\r" { text = text.dropLast() }
            if text.count >= 2, text.first == "\"", text.last == "\"" { text = text.dropFirst().dropLast() }
            return String(text)
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
        var index = start
        while index <= bytes.count - pattern.count {
            guard let next = bytes[index...].firstIndex(of: first), next <= bytes.count - pattern.count else {
                return nil
            }
            if bytes[next..<next + pattern.count].elementsEqual(pattern) { return next }
            index = next + 1
        }
        return nil
    }
}
