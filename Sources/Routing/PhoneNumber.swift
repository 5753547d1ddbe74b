// Telephone numbers as carriers and people write them, brought to one spelling.

/// One spelling for a number, so that two writings of it compare equal.
///
/// The archive's `PhoneKey` is another thing on purpose: a key is stored and so refuses what is no address; a number at the
/// door is compared, and whatever a carrier says must go through the rules, refused or not. The two agree on every
/// text that `PhoneKey` takes for digits, and a test holds them to it. One cannot stand on the other: neither room looks
/// into the other's.
public enum PhoneNumber {
    /// What stands for a caller who is not told.
    public static let anonymous = "anonymous"

    /// `text` without spaces and visual separators (RFC 3966 §5.1.1: `-`, `.`, `(`, `)`), and `00` at its start as `+` when
    /// `doubleZeroIsPlus` (E.164 countries dial it; the caller of this function must know).
    ///
    /// No country is ever guessed: a number without `+` stays one. Addresses (`client:…`, `sip:…`, `sips:…`) and whatever
    /// else is no number are kept as they are, without blanks around them. A caller who is not told is `anonymous`.
    public static func normalised(_ text: String, doubleZeroIsPlus: Bool = false) -> String {
        let trimmed = Self.trimmed(text)
        if isAnonymous(trimmed) { return anonymous }
        var digits = ""
        for byte in trimmed.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.unicodeScalars.append(Unicode.Scalar(byte))
            // Some write it in brackets: "(+1) 415".
            case UInt8(ascii: "+") where digits.isEmpty: digits = "+"
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("),
                UInt8(ascii: ")"):
                continue
            default: return trimmed
            }
        }
        guard digits.count > (digits.hasPrefix("+") ? 1 : 0) else { return trimmed }
        if doubleZeroIsPlus, digits.hasPrefix("00"), digits.count > 2 { return "+" + digits.dropFirst(2) }
        return digits
    }

    /// Whether `text` tells no caller: nothing, `anonymous`, `unknown`, or an address of the anonymous user (RFC 3323 §4.1.1.3).
    public static func isAnonymous(_ text: String?) -> Bool {
        guard let text else { return true }
        let lower = trimmed(text).lowercased()
        return lower.isEmpty || lower == anonymous || lower == "unknown"
            || lower.hasPrefix("sip:anonymous@") || lower.hasPrefix("sips:anonymous@")
    }

    /// `text` without white space at its ends.
    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0.isWhitespace }
        let kept = start.reversed().drop { $0.isWhitespace }.reversed()
        return String(kept)
    }
}
