// Which carrier is speaking, told from its first messages.

import Wire

extension CarrierCodec {
    /// The carrier whose `connected` or `start` message this is; nil for any other message.
    ///
    /// A check on the path the carrier was sent to, not a replacement for it: Telnyx's and Exotel's `connected` have
    /// little to tell them apart. Twilio says `protocol` "Call"; its stream ids begin with MZ, its call ids with CA,
    /// and it tells no numbers, which camelCase frames of Exotel do.
    public static func detect(_ message: UnsafeRawBufferPointer) -> Carrier? {
        guard let frame = CarrierFrame(message, spelling: [.camel, .snake]), let event = frame.event?.text
        else {
            return nil
        }
        if event.equals("connected") {
            if let name = frame.protocolName?.text { return name.equals("Call") ? .twilio : nil }
            return frame.version == nil ? .exotel : .telnyx
        }
        guard event.equals("start"), let body = frame.start?.object else { return nil }
        if body.member("call_control_id")?.text != nil { return .telnyx }
        if body.member("call_sid")?.text != nil { return .exotel }
        guard let call = body.member("callSid")?.text else { return nil }
        guard let stream = (body.member("streamSid") ?? frame.streamID)?.text else { return nil }
        let isTwilio =
            stream.bytes.starts(with: "MZ".utf8) && call.bytes.starts(with: "CA".utf8)
            && body.member("from") == nil
        return isTwilio ? .twilio : .exotel
    }
}
