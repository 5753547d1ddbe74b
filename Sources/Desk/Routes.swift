// The table of routes, from which the handler serves and the OpenAPI document is made.

/// What a route does.
public enum RouteAction: Sendable, Hashable {
    /// The list of recordings.
    case recordings
    /// One recording.
    case recording
    /// Its audio.
    case audio
    /// Its transcript; nil: as Accept says.
    case transcript(TranscriptForm?)
    /// The calls that run.
    case calls
    /// Whether the process lives.
    case health
    /// Whether it takes calls.
    case readiness
    /// Counters for Prometheus.
    case metrics
    /// The OpenAPI document.
    case openAPI
}

/// One route.
public struct Route: Sendable, Hashable {
    /// Its path; `{id}` stands for one segment.
    public var path: String
    /// What it does.
    public var action: RouteAction
    /// One line for the document.
    public var summary: String
    /// The media type of a good answer.
    public var mediaType: String
    /// Whether the document lists HEAD too. (HEAD is served wherever GET is, RFC 9110 §9.1.)
    public var documentsHead = false

    /// Whether it needs a token.
    public var isProtected: Bool { path.hasPrefix("/v1/") }
}

/// The routes of the desk. Every one answers GET and HEAD.
public enum Routes {
    /// Every route.
    public static let all: [Route] = [
        Route(
            path: "/v1/recordings", action: .recordings, summary: "Recordings, newest first, by page",
            mediaType: "application/json"),
        Route(
            path: "/v1/recordings/{id}", action: .recording,
            summary: "One recording with its events and metrics",
            mediaType: "application/json"),
        Route(
            path: "/v1/recordings/{id}/audio.mp3", action: .audio,
            summary: "The recording's audio; ranges and conditions are honoured", mediaType: "audio/mpeg",
            documentsHead: true),
        Route(
            path: "/v1/recordings/{id}/transcript", action: .transcript(nil),
            summary: "The transcript, in the form the Accept field asks for", mediaType: "application/json"),
        Route(
            path: "/v1/recordings/{id}/transcript.json", action: .transcript(.json),
            summary: "The transcript with everything that is known", mediaType: "application/json"),
        Route(
            path: "/v1/recordings/{id}/transcript.txt", action: .transcript(.txt),
            summary: "The transcript as lines of text", mediaType: "text/plain"),
        Route(
            path: "/v1/recordings/{id}/transcript.vtt", action: .transcript(.vtt),
            summary: "The transcript as WebVTT", mediaType: "text/vtt"),
        Route(
            path: "/v1/recordings/{id}/transcript.srt", action: .transcript(.srt),
            summary: "The transcript as SubRip", mediaType: "application/x-subrip"),
        Route(
            path: "/v1/calls", action: .calls, summary: "The calls that run", mediaType: "application/json"),
        Route(
            path: "/healthz", action: .health, summary: "Whether the process lives",
            mediaType: "application/json"),
        Route(
            path: "/readyz", action: .readiness, summary: "Whether new calls are taken",
            mediaType: "application/json"),
        Route(
            path: "/metrics", action: .metrics, summary: "Counters for Prometheus", mediaType: "text/plain"),
        Route(
            path: "/openapi.json", action: .openAPI, summary: "This document", mediaType: "application/json"),
    ]

    /// What a request's method and path come to.
    public enum Match: Sendable, Hashable {
        /// A route, with the id in its path.
        case found(Route, id: String)
        /// A path of a route, by a method it has not.
        case methodNotAllowed
        /// No route.
        case notFound
    }

    /// The fields a 405 has to name (RFC 9110 §15.5.6).
    public static let allow = "GET, HEAD"

    /// Finds the route of a request.
    public static func match(method: String, path: String) -> Match {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        for route in all {
            let pattern = route.path.split(separator: "/", omittingEmptySubsequences: false)
            guard pattern.count == segments.count else { continue }
            var id = ""
            let fits = zip(pattern, segments).allSatisfy { expected, found in
                guard expected == "{id}" else { return expected == found }
                id = String(found)
                return !found.isEmpty
            }
            guard fits else { continue }
            return method == "GET" || method == "HEAD" ? .found(route, id: id) : .methodNotAllowed
        }
        return .notFound
    }
}
