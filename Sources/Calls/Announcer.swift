// The texts a call speaks by text to speech: one after another, each under its number.

/// The machine of texts. What it wants spoken leaves by `next`; what comes back is told by number.
struct Announcer {
    /// A text and its number.
    struct Announcement {
        var number: Int64
        var text: String
    }

    private var waiting: [Announcement] = []
    private var numbered: Int64 = 0
    /// The one that is being synthesised.
    private(set) var current: Int64?
    /// How many were spoken to their end.
    private(set) var spoken = 0
    /// How many failed.
    private(set) var failures = 0

    /// Most texts that may wait.
    static let limit = 100

    /// Whether one is being synthesised.
    var isSpeaking: Bool { current != nil }
    /// Whether nothing waits and nothing is being synthesised.
    var isIdle: Bool { current == nil && waiting.isEmpty }

    /// Takes a further text; false when it is empty or too many wait.
    mutating func enqueue(_ text: String) -> Bool {
        guard !text.isEmpty, waiting.count < Self.limit else { return false }
        numbered += 1
        waiting.append(Announcement(number: numbered, text: text))
        return true
    }

    /// The next text to be synthesised, when none is.
    mutating func next() -> Announcement? {
        guard current == nil, !waiting.isEmpty else { return nil }
        let announcement = waiting.removeFirst()
        current = announcement.number
        return announcement
    }

    /// The synthesis of `number` has ended; false when it is not the present one.
    mutating func ended(_ number: Int64, failed: Bool) -> Bool {
        guard number == current else { return false }
        current = nil
        if failed { failures += 1 } else { spoken += 1 }
        return true
    }
}
