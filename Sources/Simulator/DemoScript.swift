// The twenty seconds of the demo: a hotel's night desk, a caller, one interruption.

import Audio

/// The demo's call, from both sides.
public enum DemoScript {
    /// Length of the call in milliseconds, when nobody hangs up earlier.
    public static let milliseconds = 20_000
    /// Where the caller begins to interrupt, in milliseconds on the call's clock.
    public static let interruptionMilliseconds = 9800

    /// What the caller says: a wish, an interruption, thanks.
    public static let caller = CallerScript(
        [
            .init(.silence, milliseconds: 4200),
            .init(.speech(seed: 11, hertz: 195, level: 9000), milliseconds: 2300),
            .init(.silence, milliseconds: 3300),
            .init(.speech(seed: 12, hertz: 205, level: 10_000), milliseconds: 1700),
            .init(.silence, milliseconds: 5200),
            .init(.speech(seed: 13, hertz: 190, level: 9000), milliseconds: 800),
        ])

    /// What the agent says; it hangs up after the last turn.
    public static let agent = SimulatedAgentSettings(turns: [
        AgentTurn(
            "Good evening, Harbour Hotel, the night desk. How may I help you?",
            sound: .speech(seed: 21, hertz: 118, level: 9000), milliseconds: 3600,
            trigger: .afterPrevious(milliseconds: 0)),
        AgentTurn(
            "With pleasure. We have three rooms left tonight: the tower room with a view of the harbour, the "
                + "garden room on the ground floor, and the small room to the courtyard.",
            sound: .speech(seed: 22, hertz: 112, level: 9000), milliseconds: 8000,
            heard: "Hello, do you have a room for tonight?"),
        AgentTurn(
            "Of course, the small room then. It is yours, and the key will be at the desk.",
            sound: .speech(seed: 23, hertz: 115, level: 9000), milliseconds: 4000,
            heard: "Sorry, the small one is all I need."),
        AgentTurn(
            "Good night.", sound: .speech(seed: 24, hertz: 110, level: 9000), milliseconds: 900,
            heard: "Thank you!", endsCall: true),
    ])

    /// The demo's call to the bridge at `url`.
    public static func call(to url: String, dialect: CarrierDialect = .twilio) -> SimulatedCallSettings {
        var settings = SimulatedCallSettings(
            url: url, dialect: dialect, script: caller, ending: .server(limitMilliseconds: milliseconds),
            seed: 2026)
        settings.parameters = ["guest": "demo"]
        return settings
    }
}
