// Who answers: finds the route, checks access, and turns every error into a problem.

import Archive
import Net
import Wire

/// The desk's answers to HTTP requests.
public struct DeskHandler: HTTPHandler {
    /// What the desk is made of.
    public struct Parts: Sendable {
        /// The archive, for reading.
        public var catalog: Catalog
        /// The archive, for changes; nil: there are none.
        public var archive: CallArchive?
        /// Who places calls and acts on them.
        public var control: (any CallControl)?
        /// Who issues passes for media streams.
        public var issuer: (any StreamTokenIssuer)?
        /// Most bytes of a body, where a route has no other limit.
        public var bodyBytes: Int
        /// Who may ask.
        public var access: BearerAccess
        /// The program's version, for the OpenAPI document.
        public var version: String
        /// The doors that the document tells of besides the desk's own routes.
        public var doors: [DocumentedDoor]
        /// The security schemes of these, as JSON.
        public var schemes: [(name: String, json: String)]
        /// Who knows the calls that run.
        public var live: (any LiveCallSource)?
        /// Who takes media streams and webhooks.
        public var media: (any MediaDoor)?
        /// Why no new calls are taken; empty when they are. Short tokens.
        public var unready: @Sendable () -> [String]
        /// The text of `/metrics`.
        public var metrics: @Sendable () -> String
        /// Takes unhandled errors, for the log.
        public var report: @Sendable (DeskFault) -> Void

        /// A desk over `catalog`.
        public init(
            catalog: Catalog, archive: CallArchive? = nil, access: BearerAccess, version: String,
            live: (any LiveCallSource)? = nil, control: (any CallControl)? = nil,
            issuer: (any StreamTokenIssuer)? = nil, media: (any MediaDoor)? = nil, bodyBytes: Int = 64 << 10,
            doors: [DocumentedDoor] = [], schemes: [(name: String, json: String)] = [],
            unready: @escaping @Sendable () -> [String] = { [] },
            metrics: @escaping @Sendable () -> String = { "" },
            report: @escaping @Sendable (DeskFault) -> Void
        ) {
            self.catalog = catalog
            self.archive = archive
            self.control = control
            self.issuer = issuer
            self.bodyBytes = bodyBytes
            self.access = access
            self.version = version
            self.doors = doors
            self.schemes = schemes
            self.live = live
            self.media = media
            self.unready = unready
            self.metrics = metrics
            self.report = report
        }
    }

    private let parts: Parts
    private let orders = OrderMemory()
    let lists = ListDesk()

    /// A handler over its parts.
    public init(_ parts: Parts) { self.parts = parts }

    /// See `HTTPHandler`.
    public func respond(to request: HTTPRequest) -> HTTPOutcome {
        if let outcome = parts.media?.offer(request) { return outcome }
        // Before anything is looked up: who has no token does not learn which paths there are.
        if request.path == "/v1" || request.path.hasPrefix("/v1/"), !parts.access.admits(request) {
            return .response(parts.media?.tooMany(request) ?? BearerAccess.refusal.response)
        }
        switch Routes.match(method: request.method, path: request.path) {
        case .notFound: return .response(Problem.notFound.response)
        case .methodNotAllowed(let allow):
            let problem = Problem(
                status: 405, code: "method_not_allowed", detail: "This is not done here; Allow says what is.",
                headers: ["Allow": allow])
            return .response(problem.response)
        case .found(let route, let id):
            if let problem = refusal(of: request, route) { return .response(problem.response) }
            if route.action == .recordings { return list(request, route) }
            do throws(ArchiveError) {
                return .response(try answer(route, id: id, request))
            } catch {
                return .response(fault(error, route, id: id).response)
            }
        }
    }

    /// See `HTTPHandler`: more than usual is kept only for who may import.
    public func bodyLimit(for head: HTTPRequest) -> Int? {
        if let limit = parts.media?.bodyLimit(for: head) { return limit }
        guard case .found(let route, _) = Routes.match(method: head.method, path: head.path),
            let limit = route.body?.bytes, !route.isProtected || parts.access.admits(head)
        else { return nil }
        return max(limit, parts.bodyBytes)
    }

    /// See `HTTPHandler`.
    public func refusal(_ status: Int) -> HTTPResponse { Problem.low(status).response }

    /// Why a request cannot be read: a parameter that would have no effect, or its body.
    private func refusal(of request: HTTPRequest, _ route: Route) -> Problem? {
        if route.isProtected,
            let error = ParameterError.first(in: request.query, of: route.parameters, set: { _, _ in true })
        {
            return error.problem
        }
        // What comes with a GET has no meaning (RFC 9110 §9.3.1).
        guard let body = route.body else { return nil }
        if request.body.isEmpty, body.isOptional { return nil }
        guard body.mediaTypes.contains(request.mediaType) else {
            return Problem(
                status: 415, code: "unsupported_media_type",
                detail: "The body must be \(body.mediaTypes.joined(separator: " or ")).",
                headers: ["Accept": body.mediaTypes.joined(separator: ", ")])
        }
        guard request.body.count <= max(body.bytes ?? 0, parts.bodyBytes) else {
            return .tooLarge
        }
        return nil
    }

    private func answer(_ route: Route, id: String, _ request: HTTPRequest) throws(ArchiveError)
        -> HTTPResponse
    {
        switch route.action {
        // Answered by the desk of lists.
        case .recordings: return Problem.notFound.response
        case .recording:
            guard let detail = try parts.catalog.detail(id) else { return Problem.unknownRecording.response }
            return Self.json(RecordingJSON.detail(detail))
        case .audio(let format):
            guard let stored = try parts.catalog.call(id) else { return unlisted(id) }
            return try AudioRoute(catalog: parts.catalog).answer(stored, format, request)
        case .conversation: return try ConversationJSON.answer(id, parts.catalog)
        case .conversationAudio: return try AudioRoute(catalog: parts.catalog).conversation(id, request)
        case .placeCall, .call, .hangUp, .speak, .issueToken:
            return try CallRoutes(
                catalog: parts.catalog, live: parts.live, control: parts.control, issuer: parts.issuer,
                orders: orders
            ).answer(route.action, id, request)
        case .contexts, .context, .storeContext, .removeContext, .importContexts:
            return try ContextRoutes(catalog: parts.catalog, archive: parts.archive)
                .answer(route.action, id, request)
        case .transcript(let form):
            return try transcript(id, form ?? TranscriptForm.accepted(request.combined("Accept")), route)
        case .calls: return Self.json(calls())
        case .health: return Self.json(#"{"status":"ok"}"#)
        case .readiness:
            let reasons = parts.unready()
            var response = Self.json(
                JSON.object([
                    ("ready", reasons.isEmpty ? "true" : "false"),
                    ("reasons", JSON.array(reasons.map { JSON.quoted($0) })),
                ]))
            response.status = reasons.isEmpty ? 200 : 503
            return response
        case .metrics: return Self.text(parts.metrics(), "text/plain; version=0.0.4; charset=utf-8")
        case .openAPI:
            return Self.json(
                OpenAPI.document(version: parts.version, doors: parts.doors, schemes: parts.schemes))
        }
    }

    /// A list, made by the desk of lists: it may take as long as its filters make it.
    private func list(_ request: HTTPRequest, _ route: Route) -> HTTPOutcome {
        let query: RecordingQuery
        switch RecordingQuery.read(request.query) {
        case .failure(let error): return .response(error.problem.response)
        case .success(let read): query = read
        }
        return lists.answer { milliseconds in
            do throws(ArchiveError) {
                let page = try parts.catalog.list(
                    query.filter, cursor: query.cursor, limit: query.limit, milliseconds: milliseconds)
                return Self.json(RecordingJSON.page(page))
            } catch .badCursor {
                return ParameterError(name: "cursor", kind: .bad).problem.response
            } catch .tooSlow {
                return Problem.slowList.response
            } catch {
                return fault(error, route, id: "").response
            }
        }
    }

    private func transcript(
        _ id: String, _ form: TranscriptForm, _ route: Route
    ) throws(ArchiveError) -> HTTPResponse {
        guard let stored = try parts.catalog.call(id) else { return unlisted(id) }
        guard stored.recording.state.isFinal else {
            return AudioRoute.notReady(stored.recording.state).response
        }
        let turns = try parts.catalog.turns(id)
        let transcript = Transcript(callID: id, rate: stored.call.rate, turns: turns)
        var response = Self.text(transcript.render(form), form.mediaType)
        if case .transcript(nil) = route.action { response.headers.append(("Vary", "Accept")) }
        return response
    }

    /// The answer for a recording that has no row: a call that has just begun is live before its row is committed.
    private func unlisted(_ id: String) -> HTTPResponse {
        let isLive = parts.live?.liveCalls().contains { $0.id == id } ?? false
        return (isLive ? AudioRoute.notReady(.recording) : Problem.unknownRecording).response
    }

    private func calls() -> String {
        let items = (parts.live?.liveCalls() ?? []).map { CallRoutes.json($0) }
        return JSON.object([("items", JSON.array(items))])
    }

    /// An error nobody asked for: the client learns an id, the log learns the id and what it was.
    private func fault(_ error: ArchiveError, _ route: Route, id segment: String) -> Problem {
        let id = CallID.make()
        // Of the path only what is an identifier of our own: anything else could be somebody's number.
        let call = route.parameter == "id" && CallID.isValid(segment) ? segment : nil
        parts.report(DeskFault(id: id, route: route.path, call: call, what: error.description))
        if [.readersBusy, .closed, .queueFull].contains(error) {
            return Problem(
                status: 503, code: "busy", detail: "The archive is busy; ask again.", errorID: id,
                headers: ["Retry-After": "2"])
        }
        return Problem(
            status: 500, code: "internal_error", detail: "The server's log knows more under this id.",
            errorID: id)
    }

    static func json(_ text: String, status: Int = 200) -> HTTPResponse {
        var response = self.text(text, "application/json")
        response.status = status
        return response
    }

    static func text(_ text: String, _ mediaType: String) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: [
                ("Content-Type", mediaType), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ], body: .bytes(Array(text.utf8)))
    }
}
