// Bytes of a carrier's message to a `CarrierEvent`, and commands to bytes. No I/O.

import Audio
import Wire

/// Why a message was not understood. Holds no byte of the message.
public enum CarrierMessageError: Error, Sendable, Hashable {
    /// Not a JSON object, or cut short.
    case notJSON
    /// A field that the message needs is missing or of the wrong kind: the field's name.
    case missingField(String)
    /// The payload is not base64.
    case notBase64
    /// The announced audio is of a kind not handled here.
    case unsupportedFormat
    /// A field is longer than it may be: the field's name.
    case tooLong(String)
}

/// Speaks one carrier's dialect: decodes its messages and encodes ours. One codec serves one stream.
///
/// Members may come in any order; of two of the same name the first counts.
public struct CarrierCodec: Sendable {
    /// The dialect.
    public let carrier: Carrier
    /// The sound of the last `.media` event, as received (base64 removed). Reused: copy to keep.
    public private(set) var payload: [UInt8] = []
    /// The stream's id, known from `start`; written into what we send where the dialect wants it.
    public private(set) var streamID: String = ""
    /// The format we send where it is independent of the one received (Telnyx's
    /// `stream_bidirectional_codec`); Twilio and Exotel want what they send.
    private let outbound: AudioFormat
    private let linear: AudioCodec
    private let spelling: Spelling
    /// A payload whose base64 has escapes (`\/`), decoded.
    private var scratch: [UInt8] = []

    /// A codec for `carrier`. `outbound` is the sound Telnyx was told to expect (μ-law at 8 kHz when nil); the
    /// other two carriers want the format they send, whatever it says. `linear` is the order of bytes in the L16 that
    /// Telnyx sends: its documents name none, and the sources disagree, hence `.pcm16auto`.
    public init(carrier: Carrier, outbound: AudioFormat? = nil, linear: AudioCodec = .pcm16auto) {
        self.carrier = carrier
        self.outbound = outbound ?? .pcmu8k
        self.linear = linear
        spelling = Spelling(carrier)
    }

    /// A codec as this one for a stream that turns out to be `carrier`'s.
    public func speaking(_ carrier: Carrier) -> CarrierCodec {
        CarrierCodec(carrier: carrier, outbound: outbound, linear: linear)
    }

    /// Decodes one text message. `payload` is empty unless the answer is `.media`.
    /// - Throws: `CarrierMessageError`; the stream can go on with the next message.
    public mutating func decode(_ message: UnsafeRawBufferPointer) throws(CarrierMessageError) -> CarrierEvent
    {
        payload.removeAll(keepingCapacity: true)
        guard let frame = CarrierFrame(message, spelling: spelling) else { throw .notJSON }
        guard let event = frame.event?.text else { throw .missingField("event") }
        if event.equals("media") { return .media(try media(frame)) }
        if event.equals("mark") { return try mark(frame) }
        if event.equals("dtmf") { return try dtmf(frame) }
        if event.equals("connected") { return .connected }
        if event.equals("start") {
            let start = try StartReader(carrier: carrier, outbound: outbound, linear: linear).read(frame)
            streamID = start.streamID
            return .start(start)
        }
        if event.equals("stop") {
            return .stop(reason: frame.stop?.object?.member("reason")?.text?.string(limit: 256))
        }
        if event.equals("clear"), carrier == .exotel { return .clear }
        if event.equals("error"), carrier == .telnyx { return try error(frame) }
        return .unknown(event: event.label)
    }

    private mutating func media(_ frame: CarrierFrame) throws(CarrierMessageError) -> MediaStamp {
        guard let text = frame.payload?.text, !text.bytes.isEmpty else { throw .missingField("payload") }
        var decoded = false
        if let plain = text.plain {
            decoded = Base64.decode(plain, into: &payload)
        } else {
            // PHP and others write every slash as `\/`.
            scratch.removeAll(keepingCapacity: true)
            text.append(to: &scratch)
            decoded = scratch.withUnsafeBytes { Base64.decode($0, into: &payload) }
        }
        guard decoded else { throw .notBase64 }
        return MediaStamp(
            track: try track(frame.track), sequence: Self.count(frame.sequence),
            chunk: Self.count(frame.chunk),
            timestamp: Self.count(frame.timestamp))
    }

    /// The direction a frame names. Exotel streams the caller only and names none.
    private mutating func track(_ value: JSONValue?) throws(CarrierMessageError) -> Track {
        guard let value, !value.isNull, carrier != .exotel else { return .inbound }
        guard let track = value.text.flatMap({ Track(named: $0) }) else {
            payload.removeAll(keepingCapacity: true)
            throw .missingField("track")
        }
        return track
    }

    /// A counter: nil when absent, no integer, negative or beyond 64 bits.
    private static func count(_ value: JSONValue?) -> Int64? {
        guard let count = value?.integer, count >= 0 else { return nil }
        return count
    }

    private func mark(_ frame: CarrierFrame) throws(CarrierMessageError) -> CarrierEvent {
        guard let name = frame.mark?.object?.member("name")?.text else { throw .missingField("name") }
        guard let name = name.string(limit: CarrierLimits.markName) else { throw .tooLong("name") }
        return .mark(name: name)
    }

    private func dtmf(_ frame: CarrierFrame) throws(CarrierMessageError) -> CarrierEvent {
        guard let dtmf = frame.dtmf?.object,
            let digit = dtmf.member("digit")?.scalarString(limit: 1)?.utf8.first
        else { throw .missingField("digit") }
        switch digit {
        case 0x30...0x39, 0x2A, 0x23, 0x41...0x44, 0x61...0x64: break
        default: throw .missingField("digit")
        }
        let upper = digit >= 0x61 ? digit &- 0x20 : digit
        let duration = Self.count(dtmf.member("duration")).flatMap { Int(exactly: $0) }
        return .dtmf(digit: Character(Unicode.Scalar(upper)), milliseconds: duration)
    }

    private func error(_ frame: CarrierFrame) throws(CarrierMessageError) -> CarrierEvent {
        guard let error = frame.errorPayload?.object,
            let code = error.member("code")?.integer.flatMap(Int.init(exactly:))
        else { throw .missingField("code") }
        return .error(code: code, title: error.member("title")?.text?.label ?? "")
    }
}

extension Track {
    /// The track of a carrier's word for it: `inbound`, or `inbound_track` as in TwiML.
    init?(named name: JSONText) {
        if name.equals("inbound") || name.equals("inbound_track") {
            self = .inbound
        } else if name.equals("outbound") || name.equals("outbound_track") {
            self = .outbound
        } else {
            return nil
        }
    }
}

/// How long a carrier's fields may be, in bytes of UTF-8. Ours: no carrier documents any.
enum CarrierLimits {
    static let id = 256
    static let markName = 128
    static let parameters = 64
    static let parameter = 1024
    /// 4000 characters (carriers.md §3.1.4), each of at most four bytes.
    static let authToken = 16_000
}
