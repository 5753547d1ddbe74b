// What the desk needs from above, as protocols that the exchange fulfils.

import Net

/// A call that runs.
public struct LiveCall: Sendable, Hashable {
    /// Our identifier.
    public var id: String
    /// The carrier's name.
    public var carrier: String
    /// The carrier's identifier.
    public var carrierCallID: String
    /// The agent.
    public var agentID: String?
    /// The calling number.
    public var caller: String?
    /// The called number.
    public var called: String?
    /// Start (microseconds UTC).
    public var startedAt: Int64
    /// Where the call is in its life ("connecting", "talking", "ending").
    public var phase: String

    /// A call made of its parts.
    public init(
        id: String, carrier: String, carrierCallID: String, agentID: String? = nil, caller: String? = nil,
        called: String? = nil, startedAt: Int64, phase: String
    ) {
        self.id = id
        self.carrier = carrier
        self.carrierCallID = carrierCallID
        self.agentID = agentID
        self.caller = caller
        self.called = called
        self.startedAt = startedAt
        self.phase = phase
    }
}

/// Who knows the calls that run.
public protocol LiveCallSource: Sendable {
    /// The calls that run now, oldest first. Asked on the HTTP server's threads.
    func liveCalls() -> [LiveCall]
}

/// Who takes media streams and carriers' webhooks: asked first, before any route of the desk.
public protocol MediaDoor: Sendable {
    /// What becomes of `request`, or nil when it is none of its own.
    func offer(_ request: HTTPRequest) -> HTTPOutcome?
}

/// An unhandled error, for the log: the client gets the id only.
public struct DeskFault: Sendable, Hashable {
    /// What client and log know it by.
    public var id: String
    /// The route's pattern, never the path itself.
    public var route: String
    /// What went wrong, without anything stored.
    public var what: String
}
