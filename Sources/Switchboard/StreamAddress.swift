// Where carriers' media streams go: the addresses they are given, the token in them where it can be.

import Carriers
import Signalling

/// Makes the addresses of media streams.
struct StreamAddress: Sendable {
    let settings: SwitchboardSettings

    /// The address of `carrier`'s streams at `base`, for the stream that shows `token`; nil for a base that cannot be
    /// one. Twilio's stream URLs have no query: there the token goes into the parameter `teeline_token`.
    ///
    /// Exotel keeps the query when it connects; it takes three parameters of 256 characters besides the rate
    /// (carriers.md §4.1.1), and the token is the only one.
    func url(_ carrier: Carrier, token: String, base: PublicURL) -> String? {
        switch carrier {
        case .twilio: base.streamURL(target: "/twilio/media-stream")
        case .telnyx: base.streamURL(target: "/media-stream?token=" + token)
        case .exotel:
            base.streamURL(target: "/media?sample-rate=\(settings.exotel.sampleRate)&token=" + token)
        }
    }
}
