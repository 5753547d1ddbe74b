// Writing JSON (RFC 8259), stable to the byte.

/// JSON made of pieces that are JSON already. Members stand in the order given.
public enum JSON {
    /// A string as JSON: quoted, with quotes, backslashes and control characters escaped. U+2028 and U+2029 are
    /// escaped as well, so that the text may stand in a script.
    public static func quoted(_ text: String) -> String {
        var output: [UInt8] = [0x22]
        output.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: output += [0x5c, 0x22]
            case 0x5c: output += [0x5c, 0x5c]
            case 0x0a: output += [0x5c, 0x6e]
            case 0x0d: output += [0x5c, 0x72]
            case 0x09: output += [0x5c, 0x74]
            case 0..<0x20, 0x7f, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                output += Array("\\u".utf8) + Array(repeating: 0x30, count: 4 - digits.utf8.count)
                output += Array(digits.utf8)
            default: output += Array(String(scalar).utf8)
            }
        }
        output.append(0x22)
        return String(decoding: output, as: UTF8.self)
    }

    /// A string, or null.
    public static func quoted(_ text: String?) -> String { text.map { quoted($0) } ?? "null" }
    /// An integer, or null.
    public static func number(_ value: Int64?) -> String { value.map { String($0) } ?? "null" }
    /// An integer, or null.
    public static func number(_ value: Int?) -> String { value.map { String($0) } ?? "null" }
    /// An object of names and values that are JSON already.
    public static func object(_ members: [(name: String, json: String)]) -> String {
        "{" + members.map { quoted($0.name) + ":" + $0.json }.joined(separator: ",") + "}"
    }
    /// An array of values that are JSON already.
    public static func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
}
