// ElevenLabs' webhooks, and what it says of a conversation after its call.

import Net

/// Answers ElevenLabs, and asks it.
struct ElevenLabsDoor: Sendable {
    private let parts: SwitchboardParts

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// A post-call webhook.
    func postCall(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }

    /// The native Twilio integration asks what a call is to be.
    func initiation(_ request: HTTPRequest) -> HTTPOutcome {
        .response(TelephoneSwitchboard.problem(501, "not_ready"))
    }

    /// A call has ended: what ElevenLabs says of it is fetched when no webhook brings it.
    func callEnded(_ call: EndedCall) {}
}
