// The OpenAPI 3.1 document, made from the table of routes.

import Wire

/// The description of the API that clients and tests read.
public enum OpenAPI {
    /// The document for this version of the program, with the doors that others answer for. `schemes` are the security
    /// schemes these name, as JSON.
    public static func document(
        version: String, doors: [DocumentedDoor] = [], schemes: [(name: String, json: String)] = []
    ) -> String {
        var names: [String] = []
        for route in Routes.all where !names.contains(route.path) { names.append(route.path) }
        var paths = names.map { path in
            var operations: [(name: String, json: String)] = []
            for route in Routes.all where route.path == path {
                operations.append((route.method.lowercased(), operation(route, method: route.method)))
                if route.documentsHead { operations.append(("head", operation(route, method: "HEAD"))) }
            }
            return (name: path, json: JSON.object(operations))
        }
        paths += doors.map { (name: $0.path, json: JSON.object($0.operations)) }
        let bearer = (name: "bearer", json: #"{"type":"http","scheme":"bearer"}"#)
        return JSON.object([
            ("openapi", JSON.quoted("3.1.0")),
            (
                "info",
                JSON.object([
                    ("title", JSON.quoted("Teeline")), ("version", JSON.quoted(version)),
                ])
            ), ("paths", JSON.object(paths)),
            (
                "components",
                JSON.object([
                    ("securitySchemes", JSON.object([bearer] + schemes)),
                    ("schemas", JSON.object(AnswerSchema.all)),
                ])
            ),
        ])
    }

    private static func operation(_ route: Route, method: String) -> String {
        var members: [(name: String, json: String)] = [
            ("operationId", JSON.quoted(operationID(route, method: method.lowercased()))),
            ("summary", JSON.quoted(route.summary)),
        ]
        let parameters = parameters(route, method: method)
        if !parameters.isEmpty { members.append(("parameters", JSON.array(parameters))) }
        if let body = route.body {
            let content = body.mediaTypes.map { type in
                let schema = type == "text/csv" ? JSONSchema.text : body.schema
                return (name: type, json: JSON.object([("schema", schema)]))
            }
            let json = JSON.object([
                ("required", body.isOptional ? "false" : "true"), ("content", JSON.object(content)),
            ])
            members.append(("requestBody", json))
        }
        let answers = OpenAPIAnswers.all(route, method: method)
        members.append(("responses", JSON.object(answers.map { $0.member(hasBody: method != "HEAD") })))
        if route.isProtected { members.append(("security", #"[{"bearer":[]}]"#)) }
        return JSON.object(members)
    }

    private static func operationID(_ route: Route, method: String) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }
            .filter { !["v1", "id", "phone"].contains($0) }
        return ([method] + words.map { String($0) }).joined(separator: "_")
            + (route.path.hasSuffix("}") ? "_one" : "")
    }

    private static func parameters(_ route: Route, method: String) -> [String] {
        var list: [String] = []
        if let name = route.parameter {
            let isID = name == "id"
            list.append(
                parameter(
                    QueryParameter(
                        name: name, meaning: isID ? "Our id" : "The number, E.164 or as the carrier says it",
                        schema: isID ? JSONSchema.text : JSONSchema.words), in: "path"))
        }
        list += route.parameters.map { parameter($0, in: "query") }
        switch route.action {
        case .audio, .conversationAudio:
            list += conditions.map { parameter($0, in: "header") }
            if method == "GET" { list += ranges.map { parameter($0, in: "header") } }
        case .placeCall: list.append(parameter(idempotencyKey, in: "header"))
        default: break
        }
        return list
    }

    private static let conditions = [
        ("If-Match", "412 unless it is one of these versions"),
        ("If-None-Match", "304 when it is one of these versions"),
        ("If-Modified-Since", "304 when it is no newer; ignored beside If-None-Match"),
        ("If-Unmodified-Since", "412 when it is newer; ignored beside If-Match"),
    ].map { QueryParameter(name: $0.0, meaning: $0.1, schema: JSONSchema.text) }

    private static let ranges = [
        ("Range", "Which bytes, up to \(RangeOutcome.rangeLimit) ranges"),
        ("If-Range", "Range counts only for this version"),
    ].map { QueryParameter(name: $0.0, meaning: $0.1, schema: JSONSchema.text) }

    private static let idempotencyKey = QueryParameter(
        name: "Idempotency-Key",
        meaning: "The same key with the same body is the same call, for a day; with another body 422",
        schema: JSONSchema.text)

    private static func parameter(_ parameter: QueryParameter, in place: String) -> String {
        JSON.object([
            ("name", JSON.quoted(parameter.name)), ("in", JSON.quoted(place)),
            ("required", place == "path" ? "true" : "false"),
            ("description", JSON.quoted(parameter.meaning)), ("schema", parameter.schema),
        ])
    }
}
