// Names of variables that look like ours and are not. Pure.

/// Tells which variables are misspelt.
enum SettingNames {
    /// Names of the variables of every key.
    static let known = Set(SettingKey.all.flatMap { [$0.variable] + $0.aliases } + ["TEELINE_CONFIG"])

    /// What the names of our keys begin with.
    private static let prefixes = [
        "TEELINE_", "ELEVENLABS_", "ELEVEN_LABS_", "TWILIO_", "TELNYX_", "EXOTEL_",
    ]

    /// Whether somebody may have meant one of our variables by `name` and it is none.
    static func isUnknown(_ name: String) -> Bool {
        !known.contains(name) && prefixes.contains { name.hasPrefix($0) }
    }

    /// One sentence about an unknown name, with the variable that was meant perhaps.
    static func problem(_ name: String) -> String {
        // Underscores are what is forgotten most: they do not count first.
        func bare(_ name: String) -> String { name.replacing("_", with: "") }
        let near =
            known.sorted().first { bare($0) == bare(name) }
            ?? Spelling.nearest(to: name, among: known.sorted())
        return "\(name) is no variable of this server"
            + (near.map { "; did you mean \($0)?" } ?? ": see the table in the README")
    }
}
