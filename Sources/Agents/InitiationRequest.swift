// What ElevenLabs' native Twilio integration asks while the phone rings (elevenlabs.md §2.4).

import Wire

/// The question what a call is to be. Numbers are personal: never in a log.
public struct InitiationRequest: Sendable, Hashable {
    /// The calling number.
    public var callerID: String?
    /// The called number.
    public var calledNumber: String?
    /// The agent that is going to answer.
    public var agentID: String?
    /// Twilio's identifier of the call.
    public var callSID: String?

    /// Reads a body; members that are not known are passed over. Throws `notJSON`.
    public init(_ body: [UInt8]) throws(PostCallError) {
        self = try reading(body) { raw throws(PostCallError) in
            var scanner = JSONScanner(raw)
            guard let whole = scanner.value()?.object, scanner.finish() else { throw .notJSON }
            return InitiationRequest(whole)
        }
    }

    private init(_ whole: JSONContainer) {
        func text(_ name: StaticString) -> String? {
            whole.member(name)?.text?.string(limit: AgentLimits.id).flatMap { $0.isEmpty ? nil : $0 }
        }
        callerID = text("caller_id")
        calledNumber = text("called_number")
        agentID = text("agent_id")
        callSID = text("call_sid")
    }

    /// A question of which nothing is known.
    public init() {}
}

/// Says nothing of the numbers in it, wherever it is printed.
extension InitiationRequest: CustomStringConvertible, CustomDebugStringConvertible {
    /// What it is.
    public var description: String { "question of a native call" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
