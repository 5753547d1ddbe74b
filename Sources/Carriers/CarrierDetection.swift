// Which carrier is speaking, told from its first messages.

import Wire

extension Carrier {
    /// What stands for a carrier where none was recognised: in rows, lists and metrics.
    public static let unrecognised = "unknown"

    /// Every word that names a stream's carrier: the carriers, and `unknown` for a stream that ended before it said whose
    /// it was.
    public static let names = Carrier.allCases.map(\.rawValue) + [unrecognised]
}

extension CarrierCodec {
    /// The carrier whose `connected` or `start` message this is; nil for any other message, and for a start that could be
    /// two carriers'.
    ///
    /// Of a `connected` it is a guess, but for Twilio's: Telnyx's and Exotel's have little to tell them apart. Twilio says
    /// `protocol` "Call"; its stream ids begin with MZ, its call ids with CA, its sound is `audio/x-mulaw`, and it tells
    /// no numbers, which camelCase frames of Exotel do (carriers.md §2.2.2, §4.2.1, §5.1).
    public static func detect(_ message: UnsafeRawBufferPointer) -> Carrier? {
        guard let frame = CarrierFrame(message, spelling: [.camel, .snake]), let event = frame.event?.text
        else {
            return nil
        }
        if event.equals("connected") {
            if let name = frame.protocolName?.text { return name.equals("Call") ? .twilio : nil }
            return frame.version == nil ? .exotel : .telnyx
        }
        return event.equals("start") ? carrier(starting: frame) : nil
    }

    /// The carrier whose start `frame` is; nil in doubt.
    static func carrier(starting frame: CarrierFrame) -> Carrier? {
        guard let body = frame.start?.object else { return nil }
        let isTelnyx = body.member("call_control_id")?.text != nil
        let isExotel = body.member("call_sid")?.text != nil
        let call = body.member("callSid")?.text
        if isTelnyx { return isExotel || call != nil ? nil : .telnyx }
        if isExotel { return .exotel }
        guard let call, let stream = (body.member("streamSid") ?? frame.streamID)?.text else { return nil }
        let encoding = body.member("mediaFormat")?.object?.member("encoding")?.text
        // Exotel's words for its sound; Twilio's is never so.
        if let encoding, encoding.equals("audio/x-raw") || encoding.equals("raw") { return .exotel }
        let isTwilio =
            stream.bytes.starts(with: "MZ".utf8) && call.bytes.starts(with: "CA".utf8)
            && body.member("from") == nil
        if isTwilio { return .twilio }
        // Somebody who speaks like Twilio without its ids, in a sound that Exotel never sends.
        return encoding?.equals("audio/x-mulaw") == true ? nil : .exotel
    }
}
