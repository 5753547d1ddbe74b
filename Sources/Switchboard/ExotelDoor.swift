// Exotel's webhooks: where a stream goes, how it was, and how a call went on.

import Net

/// Answers Exotel.
struct ExotelDoor: Sendable {
    private let parts: SwitchboardParts

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// The Voicebot applet asks where the stream of a call goes.
    func streamURL(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }

    /// The Passthru applet tells how a stream was.
    func passthru(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }

    /// How a call went on.
    func status(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }
}
