// What every route can answer: statuses, header fields, bodies.

import Archive

/// The answers of the desk's routes.
enum OpenAPIAnswers {
    /// All that `route` answers to `method`, by status.
    static func all(_ route: Route, method: String) -> [DocumentedAnswer] {
        let isHead = method == "HEAD"
        var list = good(route) + problems(route) + low
        // No range is honoured but of GET (RFC 9110 §14.2).
        if isHead { list.removeAll { [206, 416].contains($0.status) } }
        return list.sorted { $0.status < $1.status }
    }

    /// What the server answers to whatever it cannot take as a request, whoever it is for.
    static let low: [DocumentedAnswer] = [
        problem(400, "The request, a parameter or a member of the body cannot be read"),
        problem(405, "This is not done here", headers: [DocumentedHeader("Allow", "The methods there are")]),
        problem(413, "The body is too large"), problem(431, "Request line and header fields are too large"),
    ]

    private static let retryAfter = DocumentedHeader("Retry-After", "Seconds until it is worth asking again")

    private static func problem(
        _ status: Int, _ meaning: String, headers: [DocumentedHeader] = []
    ) -> DocumentedAnswer {
        DocumentedAnswer(
            status, meaning, headers: headers,
            contents: [DocumentedContent("application/problem+json", schema: JSONSchema.reference("Problem"))]
        )
    }

    private static func good(_ route: Route) -> [DocumentedAnswer] {
        switch route.action {
        case .audio, .conversationAudio: return audio(route.mediaType)
        case .readiness:
            return [(200, "New calls are taken"), (503, "New calls are not taken")].map {
                DocumentedAnswer($0.0, $0.1, contents: [json("Readiness")])
            }
        case .transcript(nil):
            var forms = [json("Transcript")]
            // An OpenAPI document has no Accept parameter: the forms are the ones that may be asked for.
            for form in TranscriptForm.allCases where form != .json {
                let type = String(form.mediaType.prefix { $0 != ";" })
                forms.append(DocumentedContent(type, schema: JSONSchema.text))
            }
            let vary = DocumentedHeader("Vary", "Accept: the form depends on it")
            return [DocumentedAnswer(200, "The transcript", headers: [vary], contents: forms)]
        default: break
        }
        return route.statuses.map { status in
            guard status != 204 else { return DocumentedAnswer(204, "Done") }
            let content =
                route.action.answerSchema.map { json($0) }
                ?? DocumentedContent(
                    route.mediaType,
                    schema: route.mediaType == "application/json" ? JSONSchema.anyObject : JSONSchema.text)
            var headers: [DocumentedHeader] = []
            if route.action == .placeCall {
                headers.append(DocumentedHeader("Location", "Where the call can be looked at"))
            }
            let meaning = [201: "Made", 202: "It will be done"][status] ?? "Good"
            return DocumentedAnswer(status, meaning, headers: headers, contents: [content])
        }
    }

    private static func audio(_ mediaType: String) -> [DocumentedAnswer] {
        let validators = [
            DocumentedHeader("ETag", "The SHA-256 of the file, a strong validator"),
            DocumentedHeader("Last-Modified", "When the recording was sealed"),
            DocumentedHeader("Accept-Ranges", "bytes"),
            DocumentedHeader("Cache-Control", "private, no-cache"),
        ]
        let whole = validators + [DocumentedHeader("Content-Disposition", "inline, with a file name")]
        let range = DocumentedHeader(
            "Content-Range", "Which bytes of how many; a single range has it", isOptional: true)
        return [
            DocumentedAnswer(200, "All of it", headers: whole, contents: [DocumentedContent(mediaType)]),
            DocumentedAnswer(
                206, "Parts of it", headers: whole + [range],
                contents: [DocumentedContent(mediaType), DocumentedContent("multipart/byteranges")]),
            DocumentedAnswer(304, "What you have is current", headers: validators),
        ]
    }

    private static func json(_ name: String) -> DocumentedContent {
        DocumentedContent("application/json", schema: JSONSchema.reference(name))
    }

    private static func problems(_ route: Route) -> [DocumentedAnswer] {
        var list: [DocumentedAnswer] = []
        if route.isProtected {
            let challenge = DocumentedHeader("WWW-Authenticate", "Bearer, with its realm")
            list += [
                problem(401, "A token is needed", headers: [challenge]),
                problem(
                    429, "Too many guesses of the token, calls at once or texts that wait",
                    headers: [retryAfter]),
                problem(500, "An error of the server; error_id stands in its log"),
                problem(
                    503, "The archive is busy, takes no order, or no new calls are taken",
                    headers: [retryAfter]),
            ]
        }
        if route.parameter != nil { list.append(problem(404, "Unknown, or there is none")) }
        if route.body != nil {
            let types = DocumentedHeader("Accept", "The media types that are taken")
            list.append(problem(415, "Another media type", headers: [types]))
        }
        let notReady = problem(409, "Not ready yet", headers: [retryAfter])
        let changed = problem(412, "Another version")
        let size = DocumentedHeader("Content-Range", "bytes */ and how many there are")
        let noRange = problem(
            416, "No such range", headers: [size, DocumentedHeader("Accept-Ranges", "bytes")])
        switch route.action {
        case .audio: list += [notReady, changed, noRange]
        case .conversationAudio: list += [changed, noRange]
        case .transcript: list.append(notReady)
        case .placeCall, .issueToken:
            list.append(problem(409, "That carrier is not configured"))
            if route.action == .placeCall {
                list.append(problem(422, "The Idempotency-Key is another order's"))
            }
        case .hangUp: list.append(problem(409, "The call is over"))
        case .speak:
            var again = retryAfter
            again.isOptional = true
            list.append(
                problem(
                    409, "The call is over, does not speak yet, or is none of mode speech", headers: [again]))
        default: break
        }
        return list
    }
}
