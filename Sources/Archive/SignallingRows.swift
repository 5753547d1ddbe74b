// Passes, outbound calls and carriers' webhooks as the catalog keeps them.

/// A pass of a media stream that survives a restart.
public struct PassRow: Sendable, Hashable {
    /// SHA-256 of the pass; the pass itself is not kept.
    public var digest: Digest
    /// The carrier it is for.
    public var carrier: String
    /// The carrier's identifier of the call it is bound to.
    public var carrierCallID: String?
    /// The call's plan as one JSON object. Personal: never in a log.
    public var plan: String
    /// When it was issued (milliseconds UTC).
    public var issuedAt: Int64
    /// When it ends (milliseconds UTC).
    public var expiresAt: Int64
    /// When it was shown (milliseconds UTC).
    public var claimedAt: Int64?

    /// A pass made of its parts.
    public init(
        digest: Digest, carrier: String, carrierCallID: String? = nil, plan: String, issuedAt: Int64,
        expiresAt: Int64, claimedAt: Int64? = nil
    ) {
        self.digest = digest
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.plan = plan
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.claimedAt = claimedAt
    }
}

/// How far an outbound call is. States only go on; one that ends stays.
public enum DialState: String, Sendable, Hashable, CaseIterable {
    /// Asked of the carrier.
    case requested
    /// The carrier has taken it.
    case queued
    /// It rings.
    case ringing
    /// Somebody answered.
    case answered
    /// It was answered and is over.
    case completed
    /// The line was busy.
    case busy
    /// Nobody answered.
    case noAnswer = "no_answer"
    /// It could not be made.
    case failed
    /// It was taken back.
    case canceled

    /// Its place in a call's life; all ends have the same.
    public var rank: Int {
        switch self {
        case .requested: 0
        case .queued: 1
        case .ringing: 2
        case .answered: 3
        case .completed, .busy, .noAnswer, .failed, .canceled: 4
        }
    }

    /// Whether nothing more is to come.
    public var isFinal: Bool { rank == 4 }
}

/// One outbound call.
public struct DialRow: Sendable, Hashable {
    /// Our identifier (`CallID`); the call that its stream makes has the same.
    public var id: String
    /// The carrier's name.
    public var carrier: String
    /// The carrier's identifier, once it has given one.
    public var carrierCallID: String?
    /// The number that is called. Personal: never in a log.
    public var called: String
    /// The number that is shown. Personal: never in a log.
    public var caller: String?
    /// How far it is.
    public var state: DialState
    /// Why it ended, a short token.
    public var cause: String?
    /// When it was asked for (microseconds UTC).
    public var requestedAt: Int64
    /// When its state last changed (microseconds UTC).
    public var updatedAt: Int64
    /// When it ended (microseconds UTC).
    public var endedAt: Int64?

    /// A call that was asked for.
    public init(
        id: String, carrier: String, carrierCallID: String? = nil, called: String, caller: String? = nil,
        state: DialState = .requested, requestedAt: Int64
    ) {
        self.id = id
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.called = called
        self.caller = caller
        self.state = state
        self.requestedAt = requestedAt
        updatedAt = requestedAt
    }
}

/// Says nothing of the numbers in it, wherever it is printed.
extension DialRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// The call's own identifier and state.
    public var description: String { "dial \(id) (\(carrier), \(state.rawValue))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// News of an outbound call.
public struct DialProgress: Sendable, Hashable {
    /// How far it is now.
    public var state: DialState
    /// The carrier's identifier, when the news tell it.
    public var carrierCallID: String?
    /// Why it ended, a short token of at most 64 characters, nothing personal.
    public var cause: String?
    /// When (microseconds UTC).
    public var at: Int64

    /// News made of their parts.
    public init(state: DialState, carrierCallID: String? = nil, cause: String? = nil, at: Int64) {
        self.state = state
        self.carrierCallID = carrierCallID
        self.cause = cause
        self.at = at
    }
}

/// A carrier's webhook as it was received.
public struct CarrierEventRow: Sendable, Hashable {
    /// The carrier's name.
    public var carrier: String
    /// What tells it from every other one of its carrier (Telnyx: `data.id`).
    public var key: String
    /// The carrier's identifier of the call.
    public var carrierCallID: String?
    /// What happened, in the carrier's word; at most 64 bytes.
    public var kind: String
    /// When it happened, if the carrier says so (microseconds UTC).
    public var occurredAt: Int64?
    /// When it was received (microseconds UTC).
    public var receivedAt: Int64
    /// All of it as JSON, at most 64 KiB. Personal: never in a log.
    public var detail: String

    /// An event made of its parts.
    public init(
        carrier: String, key: String, carrierCallID: String? = nil, kind: String, occurredAt: Int64? = nil,
        receivedAt: Int64, detail: String = "{}"
    ) {
        self.carrier = carrier
        self.key = key
        self.carrierCallID = carrierCallID
        self.kind = kind
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
        self.detail = detail
    }
}

/// Says nothing of what it holds, wherever it is printed.
extension CarrierEventRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// What, and whose.
    public var description: String { "\(carrier) event \(kind)" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// Says nothing of the plan, wherever it is printed.
extension PassRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// Whose it is.
    public var description: String { "pass (\(carrier))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}
