// What the desk needs from above, as protocols that the exchange fulfils.

import Archive
import Net
import Routing

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
    /// Most bytes of the body of a request of its own that begins with `head`; nil: the server's own limit.
    func bodyLimit(for head: HTTPRequest) -> Int?
    /// The answer to a request without a right token whose source has asked too often without one; nil when it has not.
    func tooMany(_ request: HTTPRequest) -> HTTPResponse?
}

extension MediaDoor {
    /// Nobody is counted.
    public func tooMany(_ request: HTTPRequest) -> HTTPResponse? { nil }
    /// The server's own limit.
    public func bodyLimit(for head: HTTPRequest) -> Int? { nil }
}

/// An unhandled error, for the log: the client gets the id only.
public struct DeskFault: Sendable, Hashable {
    /// What client and log know it by.
    public var id: String
    /// The route's pattern, never the path itself.
    public var route: String
    /// Our identifier of the call that was asked for; nil when there is none.
    public var call: String?
    /// What went wrong, without anything stored.
    public var what: String
}

/// A call that the desk was asked to place, checked: numbers are E.164, the carrier is one we know.
public struct CallOrder: Sendable, Hashable {
    /// The carrier's name.
    public var carrier: String
    /// The number to call. Personal: never in a log.
    public var to: String
    /// The number to show; nil: the configured one. Personal: never in a log.
    public var from: String?
    /// What the call is to be.
    public var plan: CallPlan
    /// What the order says of the call's stream; nil: as configured.
    public var stream: StreamWishes?
}

/// Says nothing of the numbers in it, wherever it is printed.
extension CallOrder: CustomStringConvertible, CustomDebugStringConvertible {
    /// The carrier and the mode.
    public var description: String { "order of a call (\(carrier), \(plan.mode.rawValue))" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// A pass that the desk was asked to issue.
public struct StreamTokenOrder: Sendable, Hashable {
    /// The carrier's name.
    public var carrier: String
    /// The carrier's identifier of the call it is bound to; nil: any call of that carrier.
    public var carrierCallID: String?
    /// What the call is to be.
    public var plan: CallPlan
}

/// A pass for a media stream.
public struct StreamToken: Sendable, Hashable {
    /// The pass itself.
    public var token: String
    /// When it ends (microseconds UTC).
    public var expiresAt: Int64
    /// The address that the carrier is to connect to, the pass in it.
    public var url: String

    /// A pass made of its parts.
    public init(token: String, expiresAt: Int64, url: String) {
        self.token = token
        self.expiresAt = expiresAt
        self.url = url
    }
}

/// Does not tell the pass, wherever it is printed.
extension StreamToken: CustomStringConvertible, CustomDebugStringConvertible {
    /// What it is.
    public var description: String { "pass of a media stream" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// Why a call is not placed or a pass not issued.
public enum CallControlRefusal: Error, Sendable, Hashable {
    /// There are no keys for this carrier, or no address that it could reach.
    case carrierNotConfigured
    /// As many calls as allowed run or are being placed.
    case tooManyCalls(retryAfterSeconds: Int)
    /// Something that this carrier cannot do, as a number it cannot show; the member of the order that says it.
    case bad(member: String)
    /// The storage takes no order: a call that nothing would tell of is not made.
    case storageUnavailable
    /// The server takes no new calls.
    case draining
}

/// What becomes of a wish to end a call.
public enum HangUpOutcome: Sendable, Hashable {
    /// It will end.
    case accepted
    /// It is over already.
    case over
    /// There is no such call.
    case unknown
}

/// What becomes of a text to speak.
public enum SpeakOutcome: Sendable, Hashable {
    /// It will be spoken.
    case accepted
    /// The call is none in which texts are spoken.
    case wrongMode
    /// The call does not speak yet, or not any more.
    case notSpeaking
    /// Too many texts wait already.
    case tooMany
    /// The call is over.
    case over
    /// There is no such call.
    case unknown
}

/// Who places calls and acts on them. All return at once; asked on the HTTP server's threads.
public protocol CallControl: Sendable {
    /// Begins to place a call; what becomes of it is told by its row.
    func place(_ order: CallOrder) -> Result<DialRow, CallControlRefusal>
    /// Ends a call.
    func hangUp(_ id: String) -> HangUpOutcome
    /// Speaks a text in a call of mode `speech`.
    func speak(_ id: String, _ text: String) -> SpeakOutcome
}

/// Who issues passes for media streams. Asked on the HTTP server's threads.
public protocol StreamTokenIssuer: Sendable {
    /// Issues a pass.
    func issue(_ order: StreamTokenOrder) -> Result<StreamToken, CallControlRefusal>
}
