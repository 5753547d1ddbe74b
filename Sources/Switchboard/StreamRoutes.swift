// The table of paths where carriers' media streams come in.

import Carriers

/// A path of media streams.
public struct StreamRoute: Sendable, Hashable {
    /// The path.
    public var path: String
    /// Whose dialect is spoken there.
    public var carrier: Carrier
    /// One line for the documents.
    public var summary: String
}

/// All paths of media streams, as the carriers' guides name them.
public enum StreamRoutes {
    /// Every path.
    public static let all: [StreamRoute] = [
        StreamRoute(
            path: "/twilio/media-stream", carrier: .twilio, summary: "Twilio's stream of a call with an agent"
        ),
        StreamRoute(
            path: StreamAccess.speechPath, carrier: .twilio,
            summary: "Twilio's stream of a call that speaks by text to speech"),
        StreamRoute(path: "/media-stream", carrier: .telnyx, summary: "Telnyx's stream of a call"),
        StreamRoute(path: "/audio", carrier: .telnyx, summary: "The same"),
        StreamRoute(path: "/media", carrier: .exotel, summary: "Exotel's stream of a call"),
    ]

    /// The carrier whose streams come in at `path`.
    public static func carrier(at path: String) -> Carrier? { all.first { $0.path == path }?.carrier }
}
