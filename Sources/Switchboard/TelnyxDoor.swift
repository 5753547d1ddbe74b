// Telnyx's webhook: calls that come in, their way, and what Telnyx records of them.

import Net

/// Answers Telnyx.
struct TelnyxDoor: Sendable {
    private let parts: SwitchboardParts

    init(_ parts: SwitchboardParts) { self.parts = parts }

    /// An event of a call: acknowledged at once, acted on afterwards.
    func event(_ request: HTTPRequest) -> HTTPOutcome { .response(TelephoneSwitchboard.problem(501, "not_ready")) }

    /// A call has ended: it has to be hung up when Telnyx does not know.
    func callEnded(_ call: EndedCall) {}
}
