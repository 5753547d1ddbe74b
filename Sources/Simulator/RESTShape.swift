// What a parameter of a command may be, and what is wrong with one that is not.

/// The values a parameter takes.
enum RESTShape: Sendable {
    /// Text of at most so many characters, not empty.
    case text(limit: Int = .max)
    /// One of these, in this case.
    case oneOf([String])
    /// `true` or `false`, no text.
    case bool
    /// A whole number in a range, no text.
    case integer(ClosedRange<Int64>)
    /// One of these numbers, no text.
    case numbers([Int64])
    /// Base64 text.
    case base64
    /// A `wss:` address, or a `ws:` one of this machine.
    case socket
    /// A `wss:` or `ws:` address: Exotel takes both.
    case anySocket
    /// An http or https address.
    case address
    /// A list of objects with text members `name` and `value`.
    case pairs
    /// One text, or a list of texts.
    case textOrTexts
    /// 1–100 or "infinity".
    case loop
    /// An object.
    case object
    /// A list.
    case list
    /// Not looked into.
    case any

    /// What is wrong with `value`; nil when nothing.
    func fault(of value: RESTValue) -> String? {
        switch (self, value) {
        case (.any, _), (.object, .object), (.list, .list), (.bool, .bool): return nil
        case (.text(let limit), .text(let text)):
            if text.isEmpty { return "is empty" }
            return text.unicodeScalars.count <= limit ? nil : "is longer than \(limit) characters"
        case (.oneOf(let known), .text(let text)):
            if known.contains(text) { return nil }
            let folded = known.contains { $0.lowercased() == text.lowercased() }
            return folded ? "is written in the wrong case" : "has a value that is not known"
        case (.integer(let range), .integer(let number)):
            return range.contains(number) ? nil : "is not in \(range.lowerBound)…\(range.upperBound)"
        case (.numbers(let known), .integer(let number)):
            return known.contains(number) ? nil : "is not one of the rates"
        case (.base64, .text(let text)): return FormText.isBase64(text) ? nil : "is not base64"
        case (.socket, .text(let text)):
            return FormText.isSecureSocket(text) ? nil : "is no WebSocket address"
        case (.anySocket, .text(let text)):
            return FormText.isURL(text, ["wss", "ws"]) ? nil : "is no WebSocket address"
        case (.address, .text(let text)):
            return FormText.isURL(text, ["https", "http"]) ? nil : "is no http address"
        case (.pairs, .list(let list)):
            let good = list.allSatisfy {
                $0.members.count == 2 && $0["name"]?.text != nil && $0["value"]?.text != nil
            }
            return good ? nil : "is no list of {name, value} texts"
        case (.textOrTexts, .text(let text)): return text.isEmpty ? "is empty" : nil
        case (.textOrTexts, .list(let list)):
            return !list.isEmpty && list.allSatisfy { $0.text != nil } ? nil : "is no list of texts"
        case (.loop, .integer(let number)): return (1...100).contains(number) ? nil : "is not in 1…100"
        case (.loop, .text(let text)): return text == "infinity" ? nil : "is neither a number nor infinity"
        default: return "has the wrong type"
        }
    }
}
