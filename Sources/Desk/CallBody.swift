// Orders of calls and passes, read from bodies.

import Archive
import Routing

/// Reads orders.
enum CallBody {
    /// Most bytes of one text to speak, and of a first message.
    static let textLimit = 10 << 10
    /// Most texts of one order.
    static let textsLimit = 64

    private enum CarrierName: String { case twilio, telnyx, exotel }
    /// An answering machine is no mode to order: it is for calls that come in.
    private enum Mode: String { case agent, speech }

    private static let planMembers: Set<String> = [
        "mode", "agent_id", "voice_id", "language", "first_message", "variables", "texts",
        "stays_after_speech",
    ]

    static func order(_ value: BodyValue) throws(BodyFault) -> CallOrder {
        let body = try BodyObject(value, known: planMembers.union(["carrier", "to", "from", "stream"]))
        let carrier = try carrier(body)
        let to = try body.required("to")
        guard PhoneKey.isE164(to) else { throw .bad("to") }
        let from = try body.text("from")
        if let from, !PhoneKey.isE164(from) { throw .bad("from") }
        return CallOrder(
            carrier: carrier, to: to, from: from, plan: try plan(body),
            stream: try body.value("stream").map { value throws(BodyFault) in
                try StreamBody.wishes(value, carrier: carrier)
            })
    }

    static func token(_ value: BodyValue) throws(BodyFault) -> StreamTokenOrder {
        let body = try BodyObject(value, known: planMembers.union(["carrier", "call_id"]))
        return StreamTokenOrder(
            carrier: try carrier(body), carrierCallID: try body.text("call_id"), plan: try plan(body))
    }

    private static func carrier(_ body: BodyObject) throws(BodyFault) -> String {
        guard let carrier = try body.choice("carrier", CarrierName.self) else { throw .missing("carrier") }
        return carrier.rawValue
    }

    private static func plan(_ body: BodyObject) throws(BodyFault) -> CallPlan {
        var plan = CallPlan()
        plan.mode = try body.choice("mode", Mode.self) == .speech ? .speech : .agent
        plan.agentID = try body.text("agent_id")
        plan.voiceID = try body.text("voice_id")
        plan.language = try body.text("language", limit: 16)
        plan.firstMessage = try body.text("first_message", limit: textLimit)
        plan.variables = try body.map("variables", scalars: false)
        guard plan.variables.count <= ContextRow.fieldLimit else { throw .bad("variables") }
        plan.texts = try body.texts("texts", most: textsLimit, limit: textLimit)
        plan.staysAfterSpeech = try body.flag("stays_after_speech") ?? false
        // What would have no effect is a mistake, and is told as one.
        if plan.mode == .agent {
            guard plan.texts.isEmpty else { throw .bad("texts") }
            guard !plan.staysAfterSpeech else { throw .bad("stays_after_speech") }
        } else {
            guard !plan.texts.isEmpty || plan.staysAfterSpeech else { throw .missing("texts") }
            for name in ["agent_id", "first_message", "variables"] where body.value(name) != nil {
                throw .bad(name)
            }
        }
        return plan
    }
}
