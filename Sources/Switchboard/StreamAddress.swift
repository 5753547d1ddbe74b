// Where carriers' media streams go: the addresses they are given, the token in them where it can be.

import Carriers
import Routing
import Signalling

/// Makes the addresses of media streams.
struct StreamAddress: Sendable {
    let settings: SwitchboardSettings

    /// The address of `carrier`'s streams at `base`, for the stream that shows `token`; nil for a base that cannot be
    /// one. Twilio's stream URLs have no query: there the token goes into the parameter `teeline_token`.
    ///
    /// Exotel keeps the query when it connects; it takes three parameters of 256 characters besides the rate
    /// (carriers.md §4.1.1): the token, and two that an order may name.
    func url(_ carrier: Carrier, token: String, base: PublicURL, _ wishes: StreamWishes = StreamWishes())
        -> String?
    {
        switch carrier {
        case .twilio: base.streamURL(target: "/twilio/media-stream")
        case .telnyx: base.streamURL(target: "/media-stream?token=" + token)
        case .exotel:
            base.streamURL(
                target: "/media?sample-rate=\(wishes.rate ?? settings.exotel.sampleRate)&"
                    + Self.query(token: token, wishes.parameters))
        }
    }

    /// The custom parameters of an Exotel stream: the token, and those of the order.
    static func query(token: String, _ parameters: [StreamWishes.Parameter]) -> String {
        let fields = FormFields([("token", token)] + parameters.map { ($0.name, $0.value) })
        return String(decoding: fields.body, as: UTF8.self)
    }
}
