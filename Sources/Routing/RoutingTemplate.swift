// Texts with places to be filled: `{{name}}`, or `{{name|what is said otherwise}}`.

/// A text of a rule, taken apart once.
///
/// A place whose value is unknown or empty is filled with its default, without one with nothing. What is filled in is not
/// looked into again: a value cannot bring places of its own.
public struct RoutingTemplate: Sendable, Hashable {
    /// Why a text cannot be taken apart.
    public enum Fault: Error, Sendable, Hashable {
        /// `{{` without `}}`.
        case unclosed
        /// A place without a name.
        case unnamed
    }

    private enum Piece: Sendable, Hashable {
        case text(String)
        case place(name: String, otherwise: String)
    }
    private var pieces: [Piece] = []

    /// Takes `text` apart.
    public init(_ text: String) throws(Fault) {
        var rest = text[...]
        while let open = Self.find("{{", in: rest) {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            let inside = rest[rest.index(open, offsetBy: 2)...]
            guard let close = Self.find("}}", in: inside) else { throw .unclosed }
            let place = inside[..<close]
            let bar = place.firstIndex(of: "|")
            let name = Self.trimmed(place[..<(bar ?? place.endIndex)])
            guard !name.isEmpty else { throw .unnamed }
            let otherwise = bar.map { Self.trimmed(place[place.index(after: $0)...]) } ?? ""
            pieces.append(.place(name: name, otherwise: otherwise))
            rest = inside[inside.index(close, offsetBy: 2)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
    }

    /// Whether it has no place to be filled.
    public var isPlain: Bool {
        pieces.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// The text with its places filled by `value`.
    public func filled(_ value: (String) -> String?) -> String {
        var output = ""
        for piece in pieces {
            switch piece {
            case .text(let text): output += text
            case .place(let name, let otherwise):
                let known = value(name) ?? ""
                output += known.isEmpty ? otherwise : known
            }
        }
        return output
    }

    private static func find(_ mark: String, in text: Substring) -> String.Index? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(mark) { return index }
            index = text.index(after: index)
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
