// The time of signing, as signatures tell it.

/// Whole seconds since 1970 UTC.
public enum SignatureTime {
    /// The seconds written in `text`: one to eleven digits and nothing else; nil otherwise.
    public static func seconds(_ text: some StringProtocol) -> Int64? {
        guard (1...11).contains(text.utf8.count), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return Int64(text)
    }

    /// `milliseconds` as whole seconds, rounded down.
    public static func seconds(milliseconds: Int64) -> Int64 {
        milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    }
}
