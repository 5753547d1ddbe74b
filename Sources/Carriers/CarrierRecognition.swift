// A stream whose carrier its first messages tell: they are kept, in order, until it is known.

import Wire

/// Finds out which carrier speaks on a stream that any of several may have opened. One recognises one stream.
///
/// Only a start is sure: Telnyx's and Exotel's `connected` have little to tell them apart (carriers.md §3.2.1, §4.2.1).
public struct CarrierRecognition: Sendable {
    /// What one message has told.
    public enum Finding: Sendable, Hashable {
        /// It may be of any carrier, and is kept.
        case nothing
        /// It is a start, and this carrier's. What was kept comes first.
        case start(Carrier)
        /// The stream ends before its start.
        case stop
    }

    /// Who may have opened the stream, by what its upgrade has proven.
    public let candidates: Set<Carrier>
    /// Whose hello came, where that can be told: Twilio alone names a protocol in it (carriers.md §2.2.2). The hello of a
    /// carrier that cannot have opened the stream tells nothing: anybody may say anything.
    public private(set) var greeted: Carrier?
    /// Media messages of the caller among those kept, in whatever dialect.
    public private(set) var mediaMessages: Int64 = 0
    /// Messages of a kind that no carrier documents among those kept.
    public private(set) var unknownMessages: Int64 = 0
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// The recognition of a stream that one of `candidates` has opened.
    public init(_ candidates: Set<Carrier>) { self.candidates = candidates }

    /// Who it is as far as that is known: by the hello, or because nobody else can be.
    public var carrier: Carrier? { greeted ?? (candidates.count == 1 ? candidates.first : nil) }

    /// How many messages are kept.
    public var count: Int { ends.count }

    /// Takes one text message. It is kept unless it is a start, a stop or unreadable; how many bytes may come before a
    /// start is the caller's to bound.
    /// - Throws: `CarrierMessageError` for what is no carrier's message, and for a start of none of the three; the
    ///   stream can go on with the next message.
    public mutating func take(_ message: UnsafeRawBufferPointer) throws(CarrierMessageError) -> Finding {
        guard let frame = CarrierFrame(message, spelling: [.camel, .snake]) else { throw .notJSON }
        guard let event = frame.event?.text else { throw .missingField("event") }
        if event.equals("start") {
            guard let carrier = CarrierCodec.carrier(starting: frame) else { throw .missingField("start") }
            return .start(carrier)
        }
        if event.equals("stop") { return .stop }
        if event.equals("media") {
            guard let payload = frame.payload?.text, !payload.bytes.isEmpty else {
                throw .missingField("payload")
            }
            if frame.track?.text.flatMap({ Track(named: $0) }) != .outbound { mediaMessages += 1 }
        } else if event.equals("connected") {
            if candidates.contains(.twilio), frame.protocolName?.text?.equals("Call") == true {
                greeted = .twilio
            }
        } else if !Self.isKnown(event) {
            unknownMessages += 1
        }
        bytes.append(contentsOf: message)
        ends.append(bytes.count)
        return .nothing
    }

    /// Hands every message that was kept to `read`, oldest first.
    public func forEach(_ read: (UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { all in
            var start = 0
            for end in ends {
                read(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                start = end
            }
        }
    }

    private static func isKnown(_ event: JSONText) -> Bool {
        event.equals("mark") || event.equals("dtmf") || event.equals("clear") || event.equals("error")
    }
}
