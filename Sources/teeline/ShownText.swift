// Text that others wrote, as a terminal may show it.

/// Text from carriers, callers and agents holds whatever they sent: a terminal would obey it.
enum ShownText {
    /// `text` with control and direction characters written out as `\u{1B}`: it moves no cursor, sets no title or
    /// colour, ends no line, and turns no other text around.
    static func of(_ text: String) -> String { escaped(text) { isObeyed($0) } }

    /// The same for text of several lines, whose line feeds stay.
    static func lines(_ text: String) -> String { escaped(text) { $0 != 0x0A && isObeyed($0) } }

    private static func escaped(_ text: String, _ isEscaped: (UInt32) -> Bool) -> String {
        guard text.unicodeScalars.contains(where: { isEscaped($0.value) }) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            if isEscaped(scalar.value) {
                shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// Control characters (C0, DEL, C1: ECMA-48), line and paragraph separators, and the characters that change the
    /// direction of text (Unicode Standard Annex 9, table 4 and section 2.6).
    private static func isObeyed(_ value: UInt32) -> Bool {
        switch value {
        case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: true
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
