// A writer of XML 1.0 elements, and the reader of one element's text.

/// Writes a document; what XML cannot hold is left out.
struct XMLWriter {
    private(set) var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

    /// Writes an element with what `content` writes in it; `isEmpty` closes it at once.
    mutating func element(
        _ name: StaticString, _ attributes: [(String, String)] = [], isEmpty: Bool = false,
        _ content: (inout XMLWriter) -> Void = { _ in }
    ) {
        text += "<\(name)"
        for (name, value) in attributes {
            text += " \(name)=\""
            escape(value, inAttribute: true)
            text += "\""
        }
        if isEmpty {
            text += "/>"
            return
        }
        text += ">"
        content(&self)
        text += "</\(name)>"
    }

    /// Writes character data.
    mutating func text(_ string: String) { escape(string, inAttribute: false) }

    /// Escapes as XML 1.0 §2.4 demands; tabs and line ends in attributes and carriage returns everywhere as
    /// references, for they would not come through otherwise (§2.11, §3.3.3).
    private mutating func escape(_ string: String, inAttribute: Bool) {
        for scalar in string.unicodeScalars where Self.isAllowed(scalar) {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"" where inAttribute: text += "&quot;"
            case "\t" where inAttribute: text += "&#9;"
            case "\n" where inAttribute: text += "&#10;"
            case "\r": text += "&#13;"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether XML 1.0 §2.2 knows the character.
    static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x9, 0xA, 0xD, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }
}

/// The text between the first `<name>` and the next `</`, of at most `limit` bytes; nil when there is none. For answers
/// of two numbers only: no entities, no attributes.
func xmlText(of name: StaticString, in bytes: [UInt8], limit: Int = 64) -> String? {
    let opening = Array("<\(name)>".utf8)
    guard bytes.count > opening.count else { return nil }
    var start = 0
    while start <= bytes.count - opening.count {
        guard let bracket = bytes[start...].firstIndex(of: UInt8(ascii: "<")) else { return nil }
        let end = bracket + opening.count
        guard end <= bytes.count else { return nil }
        if bytes[bracket..<end].elementsEqual(opening) {
            guard let close = bytes[end...].prefix(limit + 1).firstIndex(of: UInt8(ascii: "<")) else {
                return nil
            }
            return String(validating: bytes[end..<close], as: UTF8.self)
        }
        start = bracket + 1
    }
    return nil
}
