// The table of routes, from which the handler serves and the OpenAPI document is made.

import Archive

/// What a route does.
public enum RouteAction: Sendable, Hashable {
    /// The list of recordings.
    case recordings
    /// One recording.
    case recording
    /// Its audio, in this form.
    case audio(RecordingFormat)
    /// Its transcript; nil: as Accept says.
    case transcript(TranscriptForm?)
    /// What ElevenLabs said of it afterwards.
    case conversation
    /// ElevenLabs' own audio of it.
    case conversationAudio
    /// The calls that run.
    case calls
    /// Placing a call.
    case placeCall
    /// One call, placed or running.
    case call
    /// Ending a call.
    case hangUp
    /// Speaking a text in a call.
    case speak
    /// Issuing a pass for a media stream.
    case issueToken
    /// The list of contexts.
    case contexts
    /// One context.
    case context
    /// Storing a context.
    case storeContext
    /// Removing a context.
    case removeContext
    /// Storing many contexts.
    case importContexts
    /// Whether the process lives.
    case health
    /// Whether it takes calls.
    case readiness
    /// Counters for Prometheus.
    case metrics
    /// The OpenAPI document.
    case openAPI
}

/// The body that a route takes.
public struct RouteBody: Sendable, Hashable {
    /// The media types that are taken.
    public var mediaTypes = ["application/json"]
    /// The JSON schema of it, as JSON.
    public var schema: String
    /// Whether there may be none.
    public var isOptional = false
    /// Most bytes of it; nil: the server's own limit.
    public var bytes: Int?
}

/// One route.
public struct Route: Sendable, Hashable {
    /// Its method. GET is HEAD as well (RFC 9110 §9.1).
    public var method = "GET"
    /// Its path; `{id}` and `{phone}` stand for one segment.
    public var path: String
    /// What it does.
    public var action: RouteAction
    /// One line for the document.
    public var summary: String
    /// The media type of a good answer.
    public var mediaType: String
    /// The statuses of a good answer, the usual one first.
    public var statuses = [200]
    /// Whether the document lists HEAD too.
    public var documentsHead = false
    /// The body it takes; nil for none.
    public var body: RouteBody?

    /// Whether it needs a token.
    public var isProtected: Bool { path.hasPrefix("/v1/") }
    /// The parameters that its query takes. None but of lists; what only tells of the process takes whatever a prober adds.
    public var parameters: [QueryParameter] {
        switch action {
        case .recordings: RecordingQuery.parameters
        case .contexts: ContextRoutes.parameters
        default: []
        }
    }
    /// The name of what stands for a segment of its path; nil when there is none.
    public var parameter: String? { ["id", "phone"].first { path.contains("{\($0)}") } }
}

/// The routes of the desk.
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
            path: "/v1/recordings/{id}/audio.mp3", action: .audio(.mp3),
            summary: "The recording's audio; ranges and conditions are honoured", mediaType: "audio/mpeg",
            documentsHead: true),
        Route(
            path: "/v1/recordings/{id}/audio.wav", action: .audio(.wav),
            summary: "The same, of a carrier's recording that is a WAV file", mediaType: "audio/wav",
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
            path: "/v1/recordings/{id}/conversation", action: .conversation,
            summary: "What ElevenLabs said of the call's conversation afterwards",
            mediaType: "application/json"),
        Route(
            path: "/v1/recordings/{id}/conversation/audio.mp3", action: .conversationAudio,
            summary: "ElevenLabs' own audio of the conversation", mediaType: "audio/mpeg",
            documentsHead: true),
        Route(
            path: "/v1/calls", action: .calls, summary: "The calls that run", mediaType: "application/json"),
        Route(
            method: "POST", path: "/v1/calls", action: .placeCall, summary: "Place a call",
            mediaType: "application/json", statuses: [202], body: RouteBody(schema: BodySchema.call)),
        Route(
            path: "/v1/calls/{id}", action: .call, summary: "One call, placed, running or recorded",
            mediaType: "application/json"),
        Route(
            method: "POST", path: "/v1/calls/{id}/hangup", action: .hangUp, summary: "End a call",
            mediaType: "application/json", statuses: [202],
            body: RouteBody(schema: BodySchema.nothing, isOptional: true)),
        Route(
            method: "POST", path: "/v1/calls/{id}/speak", action: .speak,
            summary: "Speak a text in a call of mode speech", mediaType: "application/json",
            statuses: [202], body: RouteBody(schema: BodySchema.speech)),
        Route(
            method: "POST", path: "/v1/stream-tokens", action: .issueToken,
            summary: "Issue a pass for a media stream", mediaType: "application/json", statuses: [201],
            body: RouteBody(schema: BodySchema.token)),
        Route(
            path: "/v1/contexts", action: .contexts, summary: "Customers' contexts, by number, by page",
            mediaType: "application/json"),
        Route(
            method: "POST", path: "/v1/contexts/import", action: .importContexts,
            summary: "Store many contexts from JSON or CSV, all or none", mediaType: "application/json",
            body: RouteBody(
                mediaTypes: ContextImport.mediaTypes, schema: BodySchema.contexts,
                bytes: ContextImport.byteLimit)),
        Route(
            path: "/v1/contexts/{phone}", action: .context, summary: "What is known of a customer",
            mediaType: "application/json"),
        Route(
            method: "PUT", path: "/v1/contexts/{phone}", action: .storeContext,
            summary: "Store what is known of a customer", mediaType: "application/json",
            statuses: [200, 201], body: RouteBody(schema: BodySchema.context)),
        Route(
            method: "DELETE", path: "/v1/contexts/{phone}", action: .removeContext,
            summary: "Remove what is known of a customer", mediaType: "application/json", statuses: [204]),
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
        /// A route, with the segment of its path that a name stands for.
        case found(Route, id: String)
        /// A path of routes, by a method none of them has; those they have, for Allow (RFC 9110 §15.5.6).
        case methodNotAllowed(allow: String)
        /// No route.
        case notFound
    }

    /// Finds the route of a request. A path that is written out goes before one with a name in it.
    public static func match(method: String, path: String) -> Match {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        var fitting: [(route: Route, id: String)] = []
        for route in all {
            let pattern = route.path.split(separator: "/", omittingEmptySubsequences: false)
            guard pattern.count == segments.count else { continue }
            var id = ""
            let fits = zip(pattern, segments).allSatisfy { expected, found in
                guard expected.hasPrefix("{") else { return expected == found }
                id = String(found)
                return !found.isEmpty
            }
            if fits { fitting.append((route, id)) }
        }
        if fitting.contains(where: { $0.route.parameter == nil }) {
            fitting.removeAll { $0.route.parameter != nil }
        }
        let asked = method == "HEAD" ? "GET" : method
        if let (route, id) = fitting.first(where: { $0.route.method == asked }) {
            return .found(route, id: id)
        }
        guard !fitting.isEmpty else { return .notFound }
        let methods = fitting.flatMap { $0.route.method == "GET" ? ["GET", "HEAD"] : [$0.route.method] }
        return .methodNotAllowed(allow: methods.joined(separator: ", "))
    }
}
