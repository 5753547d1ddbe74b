// TwiML: what a Twilio voice webhook is answered with.

/// A TwiML document: verbs, carried out one after the other. An empty one ends the call.
public struct TwiML: Sendable, Hashable, Discreet {
    /// What Twilio wants as Content-Type.
    public static let contentType = "text/xml"

    /// The verbs in order.
    public var verbs: [Verb]

    /// A document of `verbs`.
    public init(_ verbs: [Verb] = []) { self.verbs = verbs }

    /// One verb.
    public enum Verb: Sendable, Hashable, Discreet {
        /// A stream in both directions. Verbs after it run only once its socket is closed by us.
        case connect(Stream)
        /// A stream to us only; the next verb runs at once.
        case start(Stream)
        /// Twilio's own recording of the call; the next verb runs at once.
        case startRecording(Recording)
        /// Ends the stream of that name, which `start` began.
        case stop(stream: String)
        /// Speaks a text, in a language (BCP 47) with a voice; nil: Twilio's default.
        case say(String, language: String? = nil, voice: String? = nil)
        /// Waits for whole seconds.
        case pause(seconds: Int)
        /// Goes on with the document at an address.
        case redirect(url: String, method: String? = nil)
        /// Calls a number and connects both.
        case dial(String)
        /// Ends the call.
        case hangup
        /// Refuses the call before it is answered.
        case reject(RejectReason?)
    }

    /// What a refused caller hears.
    public enum RejectReason: String, Sendable, Hashable, CaseIterable {
        /// The busy tone.
        case busy
        /// A message that the number is not in service.
        case rejected
    }

    /// A media stream.
    public struct Stream: Sendable, Hashable, Discreet {
        /// The WebSocket's address, without a query.
        public let url: String
        /// A name that is unique in the call.
        public var name: String?
        /// `inbound_track`, `outbound_track` or `both_tracks`; with `connect` only the first may be had (error 31941).
        public var track: String?
        /// Where the stream's states are reported: an absolute address.
        public var statusCallback: String?
        /// `GET` or `POST`; nil: POST.
        public var statusCallbackMethod: String?
        /// Custom parameters, in order: they come back in the stream's `start`. Keep them short: name and value together
        /// are said to have to stay below 500 characters.
        public var parameters: [(name: String, value: String)]

        /// A stream to `url`. Throws `invalid` for an address that is no WebSocket's (error 31922; `ws` is taken for
        /// networks of one's own), or that has a query or a fragment, which Twilio forbids.
        public init(
            url: String, name: String? = nil, track: String? = nil, statusCallback: String? = nil,
            statusCallbackMethod: String? = nil, parameters: [(name: String, value: String)] = []
        ) throws(SignallingError) {
            guard url.hasPrefix("wss://") || url.hasPrefix("ws://"), !url.contains("?"), !url.contains("#")
            else { throw .invalid("url") }
            self.url = url
            self.name = name
            self.track = track
            self.statusCallback = statusCallback
            self.statusCallbackMethod = statusCallbackMethod
            self.parameters = parameters
        }

        /// Whether both are the same stream.
        public static func == (left: Stream, right: Stream) -> Bool {
            left.attributes.elementsEqual(right.attributes, by: ==)
                && left.parameters.elementsEqual(right.parameters, by: ==)
        }
        /// Hashes what makes the stream.
        public func hash(into hasher: inout Hasher) {
            for (name, value) in attributes + parameters {
                hasher.combine(name)
                hasher.combine(value)
            }
        }

        fileprivate var attributes: [(String, String)] {
            present([
                ("name", name), ("url", url), ("track", track), ("statusCallback", statusCallback),
                ("statusCallbackMethod", statusCallbackMethod),
            ])
        }
    }

    /// A recording that Twilio makes.
    public struct Recording: Sendable, Hashable, Discreet {
        /// `mono` or `dual`; nil: dual.
        public var channels: String?
        /// `inbound`, `outbound` or `both`; nil: both.
        public var track: String?
        /// Where its states are reported: an absolute address.
        public var statusCallback: String?
        /// Which states: `in-progress`, `completed`, `absent`; empty: completed.
        public var statusCallbackEvents: [String]

        /// A recording made of its parts.
        public init(
            channels: String? = nil, track: String? = nil, statusCallback: String? = nil,
            statusCallbackEvents: [String] = []
        ) {
            self.channels = channels
            self.track = track
            self.statusCallback = statusCallback
            self.statusCallbackEvents = statusCallbackEvents
        }
    }

    /// The document as XML.
    public var text: String {
        var writer = XMLWriter()
        writer.element("Response", [], isEmpty: verbs.isEmpty) { writer in
            for verb in verbs { Self.write(verb, &writer) }
        }
        return writer.text
    }

    /// The document as UTF-8.
    public var bytes: [UInt8] { Array(text.utf8) }

    private static func write(_ verb: Verb, _ writer: inout XMLWriter) {
        switch verb {
        case .connect(let stream): writer.element("Connect") { Self.write(stream, &$0) }
        case .start(let stream): writer.element("Start") { Self.write(stream, &$0) }
        case .startRecording(let recording):
            let events = recording.statusCallbackEvents.joined(separator: " ")
            let attributes = present([
                ("channels", recording.channels), ("track", recording.track),
                ("recordingStatusCallback", recording.statusCallback),
                ("recordingStatusCallbackEvent", events.isEmpty ? nil : events),
            ])
            writer.element("Start") { $0.element("Recording", attributes, isEmpty: true) }
        case .stop(let stream):
            writer.element("Stop") { $0.element("Stream", [("name", stream)], isEmpty: true) }
        case .say(let text, let language, let voice):
            writer.element("Say", present([("language", language), ("voice", voice)])) { $0.text(text) }
        case .pause(let seconds):
            writer.element("Pause", [("length", String(max(seconds, 0)))], isEmpty: true)
        case .redirect(let url, let method):
            writer.element("Redirect", present([("method", method)])) { $0.text(url) }
        case .dial(let number): writer.element("Dial") { $0.text(number) }
        case .hangup: writer.element("Hangup", isEmpty: true)
        case .reject(let reason):
            writer.element("Reject", present([("reason", reason?.rawValue)]), isEmpty: true)
        }
    }

    private static func write(_ stream: Stream, _ writer: inout XMLWriter) {
        writer.element("Stream", stream.attributes, isEmpty: stream.parameters.isEmpty) { writer in
            for (name, value) in stream.parameters {
                writer.element("Parameter", [("name", name), ("value", value)], isEmpty: true)
            }
        }
    }
}

/// The attributes that have a value.
private func present(_ attributes: [(String, String?)]) -> [(String, String)] {
    attributes.compactMap { name, value in value.map { (name, $0) } }
}
