// The table of paths where carriers' media streams come in.

import Carriers

/// A path of media streams.
public struct StreamRoute: Sendable, Hashable {
    /// The path.
    public var path: String
    /// Whose dialect is spoken there; nil where the first frames tell it.
    public var carrier: Carrier?
    /// One line for the documents.
    public var summary: String

    /// The carriers whose streams may come in there.
    public var carriers: [Carrier] { carrier.map { [$0] } ?? Carrier.allCases }
    /// Who that is, for documents.
    public var who: String { carrier?.rawValue.capitalized ?? "Any of the three" }
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
        StreamRoute(
            path: "/stream", carrier: nil, summary: "The stream of a call, recognised by its first frames"),
    ]

    /// The route whose streams come in at `path`.
    public static func at(_ path: String) -> StreamRoute? { all.first { $0.path == path } }
}
