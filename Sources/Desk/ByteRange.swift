// The Range field, as a pure function (RFC 9110 §14).

/// A stretch of a representation.
public struct ByteRange: Sendable, Hashable {
    /// Its first byte.
    public var offset: Int64
    /// How many bytes, at least 1.
    public var length: Int64

    /// A stretch of `length` bytes from `offset`.
    public init(offset: Int64, length: Int64) {
        self.offset = offset
        self.length = length
    }

    /// Its last byte.
    public var last: Int64 { offset + length - 1 }
    /// The value of Content-Range in a representation of `total` bytes (§14.4).
    public func contentRange(of total: Int64) -> String { "bytes \(offset)-\(last)/\(total)" }
}

/// What a Range field asks for.
public enum RangeOutcome: Sendable, Hashable {
    /// No range, or a field that has to be ignored: all of it, 200.
    case whole
    /// These stretches, 206. Several are in the order asked for, unless some overlapped: then they are joined and
    /// ascending.
    case partial([ByteRange])
    /// None of the stretches is there: 416.
    case unsatisfiable
}

extension RangeOutcome {
    /// Most stretches of one answer; a field with more is ignored (§14.2 leaves it to the server; §17.15 warns of
    /// many small ones).
    public static let rangeLimit = 32

    /// Evaluates the field for a representation of `total` bytes. Whatever is not a valid set of byte ranges is ignored,
    /// as §14.2 demands, so this cannot fail.
    public static func evaluate(_ field: String?, total: Int64) -> RangeOutcome {
        guard let field, let equals = field.firstIndex(of: "=") else { return .whole }
        guard field[..<equals].lowercased() == "bytes", total >= 0 else { return .whole }
        var specifiers = 0
        var ranges: [ByteRange] = []
        for element in field[field.index(after: equals)...].split(
            separator: ",", omittingEmptySubsequences: true)
        {
            let text = element.trimmingOptionalWhitespace()
            // A recipient ignores empty list elements (§5.6.1.2).
            if text.isEmpty { continue }
            specifiers += 1
            guard specifiers <= rangeLimit, let specifier = Specifier(text) else { return .whole }
            if let range = specifier.range(in: total) { ranges.append(range) }
        }
        guard specifiers > 0 else { return .whole }
        return ranges.isEmpty ? .unsatisfiable : .partial(joined(ranges))
    }

    /// Joins ranges when some overlap or touch (§15.3.7.2); others stay as they were asked for.
    private static func joined(_ ranges: [ByteRange]) -> [ByteRange] {
        var result: [ByteRange] = []
        for range in ranges.sorted(by: { ($0.offset, $0.length) < ($1.offset, $1.length) }) {
            if let previous = result.last, range.offset <= previous.last + 1 {
                let last = max(previous.last, range.last)
                result[result.count - 1].length = last - previous.offset + 1
            } else {
                result.append(range)
            }
        }
        return result.count == ranges.count ? ranges : result
    }

    /// One `first-last`, `first-` or `-suffix` (§14.1.1).
    private enum Specifier {
        case from(Int64, last: Int64?)
        case suffix(Int64)

        init?(_ text: Substring) {
            guard let dash = text.firstIndex(of: "-") else { return nil }
            let before = text[..<dash]
            let after = text[text.index(after: dash)...]
            if before.isEmpty {
                guard let length = Self.number(after) else { return nil }
                self = .suffix(length)
                return
            }
            guard let first = Self.number(before) else { return nil }
            if after.isEmpty {
                self = .from(first, last: nil)
                return
            }
            // A last position before the first makes the field invalid.
            guard let last = Self.number(after), last >= first else { return nil }
            self = .from(first, last: last)
        }

        /// Digits only; what is too large for 64 bits is past every end all the same.
        private static func number(_ text: Substring) -> Int64? {
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
            return Int64(text) ?? Int64.max
        }

        func range(in total: Int64) -> ByteRange? {
            switch self {
            case .from(let first, let last):
                guard first < total else { return nil }
                return ByteRange(offset: first, length: min(last ?? total - 1, total - 1) - first + 1)
            case .suffix(let length):
                let part = min(length, total)
                return part > 0 ? ByteRange(offset: total - part, length: part) : nil
            }
        }
    }
}

extension StringProtocol {
    /// Without spaces and tabs around it (OWS, RFC 9110 §5.6.3).
    func trimmingOptionalWhitespace() -> SubSequence {
        var rest = self[startIndex..<endIndex]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }
}
