// A small reading of XML: elements, attributes and texts, as TwiML has them.

/// One element.
struct XMLScan: Sendable {
    /// Its name.
    var name: String
    /// Its attributes, unescaped.
    var attributes: [String: String] = [:]
    /// The elements inside.
    var children: [XMLScan] = []
    /// The text inside, unescaped, without the children's.
    var text = ""

    /// The root of `bytes`; nil when they are not well formed (or use what TwiML never does: a DTD).
    static func parse(_ bytes: [UInt8]) -> XMLScan? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var reader = Reader(Array(text.unicodeScalars))
        guard reader.prolog(), let root = reader.element(depth: 0), reader.prolog(), reader.isAtEnd else {
            return nil
        }
        return root
    }

    private struct Reader {
        let text: [Unicode.Scalar]
        var at = 0

        init(_ text: [Unicode.Scalar]) { self.text = text }

        var isAtEnd: Bool { at >= text.count }

        func begins(_ mark: String) -> Bool {
            let mark = Array(mark.unicodeScalars)
            return at + mark.count <= text.count && Array(text[at..<at + mark.count]) == mark
        }

        mutating func skipBlanks() {
            while at < text.count, [" ", "\t", "\n", "\r"].contains(text[at]) { at += 1 }
        }

        mutating func skip(past mark: String) -> Bool {
            while at < text.count {
                if begins(mark) {
                    at += mark.unicodeScalars.count
                    return true
                }
                at += 1
            }
            return false
        }

        /// Declarations, comments and blanks outside the root.
        mutating func prolog() -> Bool {
            skipBlanks()
            while true {
                if begins("<?") {
                    guard skip(past: "?>") else { return false }
                } else if begins("<!--") {
                    guard skip(past: "-->") else { return false }
                } else {
                    return true
                }
                skipBlanks()
            }
        }

        mutating func name() -> String? {
            let start = at
            while at < text.count,
                text[at].properties.isAlphabetic || "0123456789_-.:".unicodeScalars.contains(text[at])
            {
                at += 1
            }
            guard at > start else { return nil }
            return String(String.UnicodeScalarView(text[start..<at]))
        }

        mutating func element(depth: Int) -> XMLScan? {
            guard depth < 32, begins("<") else { return nil }
            at += 1
            guard let name = name() else { return nil }
            var element = XMLScan(name: name)
            while true {
                let before = at
                skipBlanks()
                if begins("/>") {
                    at += 2
                    return element
                }
                if begins(">") {
                    at += 1
                    return content(of: &element, depth: depth) ? element : nil
                }
                guard at > before, let key = self.name(), begins("=") else { return nil }
                at += 1
                guard at < text.count, text[at] == "\"" || text[at] == "'" else { return nil }
                let quote = text[at]
                at += 1
                let start = at
                while at < text.count, text[at] != quote, text[at] != "<" { at += 1 }
                guard at < text.count, text[at] == quote, let value = unescaped(text[start..<at]),
                    element.attributes.updateValue(value, forKey: key) == nil
                else { return nil }
                at += 1
            }
        }

        mutating func content(of element: inout XMLScan, depth: Int) -> Bool {
            while at < text.count {
                if begins("<!--") {
                    guard skip(past: "-->") else { return false }
                } else if begins("</") {
                    at += 2
                    guard name() == element.name else { return false }
                    skipBlanks()
                    guard begins(">") else { return false }
                    at += 1
                    return true
                } else if begins("<") {
                    guard let child = self.element(depth: depth + 1) else { return false }
                    element.children.append(child)
                } else {
                    let start = at
                    while at < text.count, text[at] != "<" { at += 1 }
                    guard let piece = unescaped(text[start..<at]) else { return false }
                    element.text += piece
                }
            }
            return false
        }

        /// Character and entity references resolved (XML 1.0 §4.1, §4.6); nil for another one or a bare `&`.
        func unescaped(_ text: ArraySlice<Unicode.Scalar>) -> String? {
            var output = String.UnicodeScalarView()
            var rest = text
            while let scalar = rest.popFirst() {
                guard scalar == "&" else {
                    output.append(scalar)
                    continue
                }
                guard let end = rest.firstIndex(of: ";") else { return nil }
                let entity = String(String.UnicodeScalarView(rest[..<end]))
                rest = rest[(end + 1)...]
                switch entity {
                case "amp": output.append("&")
                case "lt": output.append("<")
                case "gt": output.append(">")
                case "quot": output.append("\"")
                case "apos": output.append("'")
                default:
                    let isHex = entity.hasPrefix("#x")
                    guard entity.hasPrefix("#"),
                        let code = UInt32(entity.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10),
                        let scalar = Unicode.Scalar(code)
                    else { return nil }
                    output.append(scalar)
                }
            }
            return String(output)
        }
    }
}
