// What the switchboard needs from above: the calls that run.

import Carriers
import Routing

/// Whether a further call may begin.
public enum Room: Sendable, Hashable {
    /// It may.
    case free
    /// Too many calls, in all or for one of the numbers.
    case busy
    /// The server is stopping.
    case draining
}

/// Why a caller has to be told something.
public enum Apology: Sendable, Hashable {
    /// Too many calls.
    case busy
    /// The agent or the voice could not be reached, or failed.
    case fallback
}

/// A call that has ended, as the switchboard is told.
public struct EndedCall: Sendable {
    /// Our identifier.
    public var id: String
    /// The carrier.
    public var carrier: Carrier
    /// The carrier's identifier.
    public var carrierCallID: String
    /// The agent's conversation, when there was one.
    public var conversationID: String?
    /// Whether the carrier said itself that it is over: otherwise it has to be hung up where a closed stream does not do so.
    public var carrierHasHungUp: Bool
    /// Whether we placed it.
    public var isPlaced: Bool
    /// What the caller is to be told before that, because nobody could talk: nil for nothing.
    public var apology: Apology?

    /// An ended call made of its parts.
    public init(
        id: String, carrier: Carrier, carrierCallID: String, conversationID: String?, carrierHasHungUp: Bool,
        isPlaced: Bool = false, apology: Apology? = nil
    ) {
        self.isPlaced = isPlaced
        self.apology = apology
        self.id = id
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.conversationID = conversationID
        self.carrierHasHungUp = carrierHasHungUp
    }
}

/// A media stream that is open.
public struct OpenStream: Sendable {
    /// The call's identifier.
    public var callID: String
    /// The carrier; nil while the stream has not said whose it is.
    public var carrier: Carrier?
    /// The carrier's identifier of the call; empty before its start.
    public var carrierCallID: String
    /// Where the call stands.
    public var phase: String
    /// Since when (microseconds UTC).
    public var startedAt: Int64

    /// A stream made of its parts.
    public init(
        callID: String, carrier: Carrier?, carrierCallID: String, phase: String, startedAt: Int64
    ) {
        self.callID = callID
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.phase = phase
        self.startedAt = startedAt
    }
}

/// Who has the calls that run. Asked from any thread; never waits.
public protocol CallFloor: Sendable {
    /// Whether a call from `caller` to `called` may begin now.
    func room(caller: String?, called: String?) -> Room
    /// Ends the call that `carrier` knows by `carrierCallID`, because the carrier says that it is over. Returns whether
    /// there is one.
    func carrierHungUp(_ carrier: Carrier, carrierCallID: String) -> Bool
    /// The carrier's name of live call `id`; nil when it is not live.
    func liveCall(_ id: String) -> (carrier: Carrier, carrierCallID: String)?
    /// The media streams that are open, oldest first.
    func openStreams() -> [OpenStream]
    /// Ends live call `id` by an operator's wish. Returns whether there is one.
    func hangUp(_ id: String) -> Bool
}
