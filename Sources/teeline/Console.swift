// The terminal: text to standard output and standard error.

import Glibc

/// Where the program writes.
enum Console {
    /// Whether standard output is a terminal.
    static let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether colours are wanted (https://no-color.org).
    static let hasColour = isTerminal && getenv("NO_COLOR") == nil

    /// Writes `line` and a line feed to standard output, control characters written out but for line feeds.
    static func print(_ line: String = "") { put(ShownText.lines(line) + "\n") }

    /// Writes a line that holds our own colours, and of others only what is `ShownText` already.
    static func print(styled line: String) { put(line + "\n") }

    /// Writes JSON and a line feed: JSON is for programs, and escapes by its own rules.
    static func print(json: String) { put(json + "\n") }

    /// Writes `text` to standard output as it is.
    static func put(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Writes `line` and a line feed to standard error, control characters written out.
    static func complain(_ line: String) { write(ShownText.lines(line) + "\n", to: STDERR_FILENO) }

    /// `text` in bold on a terminal.
    static func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    /// `text` in a colour (SGR code) on a terminal.
    static func coloured(_ text: String, _ code: Int) -> String {
        hasColour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Writes all bytes of `text`; a closed pipe loses them.
    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            done += count
        }
    }
}
