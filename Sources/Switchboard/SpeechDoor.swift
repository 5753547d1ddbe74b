// The text-to-speech page's own routes: is it ready, what streams are open, and say this once.

import Net

/// Answers developers who try text to speech.
struct SpeechDoor: Sendable {
    private let parts: SwitchboardParts

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// Whether text to speech is ready.
    func test(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }

    /// The media streams that are open.
    func connections(_ request: HTTPRequest) -> HTTPOutcome {
        .response(TelephoneSwitchboard.problem(501, "not_ready"))
    }

    /// Speaks a text and gives its sound.
    func synthesis(_ request: HTTPRequest) -> HTTPOutcome {
        .response(TelephoneSwitchboard.problem(501, "not_ready"))
    }
}
