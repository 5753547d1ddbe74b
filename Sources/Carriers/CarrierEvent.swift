// What the three carriers say on a media stream, in one vocabulary.

import Audio

/// A telephone carrier whose media streams are understood.
public enum Carrier: String, Sendable, Hashable, CaseIterable, Codable {
    /// Twilio Media Streams.
    case twilio
    /// Telnyx Media Streaming over WebSockets.
    case telnyx
    /// Exotel AgentStream (Voicebot and Stream applets).
    case exotel
}

/// Which direction of the call a media frame carries, seen from the carrier.
public enum Track: String, Sendable, Hashable {
    /// Sound the carrier receives from the far end: the caller.
    case inbound
    /// Sound the carrier plays to the far end.
    case outbound
}

/// A token that a start bears. A secret: no description or dump of it shows any of it.
public struct StreamAuthToken: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The token itself: for comparing, never for printing.
    public let text: String
    /// A token written as text.
    public init(_ text: String) { self.text = text }
    /// Always the same word.
    public var description: String { "token" }
    /// Nothing to look into.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a stream's `start` frame says.
public struct StreamStart: Sendable, Hashable {
    /// Which dialect said it.
    public var carrier: Carrier
    /// The stream's id: `streamSid`, `stream_id` or `stream_sid`. Opaque.
    public var streamID: String
    /// The carrier's own id of the call: `callSid`, `call_control_id` or `call_sid`. Opaque.
    public var callID: String
    /// The carrier account, when told.
    public var accountID: String?
    /// The caller's number, when told (Twilio tells it only through a custom parameter).
    public var caller: String?
    /// The called number, when told.
    public var called: String?
    /// Codec and rate of the sound the carrier sends.
    public var inbound: AudioFormat
    /// Codec and rate of the sound the carrier wants.
    public var outbound: AudioFormat
    /// The tracks the stream carries.
    public var tracks: [Track]
    /// Custom parameters, as strings.
    public var parameters: [String: String]
    /// Telnyx's `stream_auth_token`, when the start bears it: a secret, for the door only.
    public var authToken: StreamAuthToken?

    /// A start of `carrier`'s stream `streamID` of call `callID`.
    public init(
        carrier: Carrier, streamID: String, callID: String, accountID: String? = nil, caller: String? = nil,
        called: String? = nil, inbound: AudioFormat, outbound: AudioFormat, tracks: [Track] = [.inbound],
        parameters: [String: String] = [:]
    ) {
        self.carrier = carrier
        self.streamID = streamID
        self.callID = callID
        self.accountID = accountID
        self.caller = caller
        self.called = called
        self.inbound = inbound
        self.outbound = outbound
        self.tracks = tracks
        self.parameters = parameters
    }
}

/// Where a media frame says it belongs. Every number is the peer's and may be absent or absurd.
public struct MediaStamp: Sendable, Hashable {
    /// Direction of the sound.
    public var track: Track
    /// Number of the message in the stream, counted from the carrier's first.
    public var sequence: Int64?
    /// Number of the media frame, usually from 1.
    public var chunk: Int64?
    /// Milliseconds since the start of the stream.
    public var timestamp: Int64?

    /// A stamp of `track` with what else is known.
    public init(track: Track = .inbound, sequence: Int64? = nil, chunk: Int64? = nil, timestamp: Int64? = nil)
    {
        self.track = track
        self.sequence = sequence
        self.chunk = chunk
        self.timestamp = timestamp
    }
}

/// One message of a carrier.
public enum CarrierEvent: Sendable, Hashable {
    /// The stream's hello.
    case connected
    /// The stream begins.
    case start(StreamStart)
    /// Sound; its bytes stand in the codec's `payload` until the next message is decoded.
    case media(MediaStamp)
    /// A key was pressed; `milliseconds` is how long, when told.
    case dtmf(digit: Character, milliseconds: Int?)
    /// A mark of ours came back.
    case mark(name: String)
    /// The carrier asks us to drop what we have queued (Exotel's samples handle it).
    case clear
    /// The stream ended, with the carrier's own reason when told.
    case stop(reason: String?)
    /// The carrier complains: Telnyx's numeric code and title.
    case error(code: Int, title: String)
    /// A message of a kind unknown to us; it is counted and ignored.
    case unknown(event: String)
}
