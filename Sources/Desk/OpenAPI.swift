// The OpenAPI 3.1 document, made from the table of routes.

import Archive

/// The description of the API that clients and tests read.
public enum OpenAPI {
    /// The document for this version of the program.
    public static func document(version: String) -> String {
        var names: [String] = []
        for route in Routes.all where !names.contains(route.path) { names.append(route.path) }
        let paths = names.map { path in
            var operations: [(name: String, json: String)] = []
            for route in Routes.all where route.path == path {
                let method = route.method.lowercased()
                operations.append((method, operation(route, method: method)))
                if route.documentsHead { operations.append(("head", operation(route, method: "head"))) }
            }
            return (name: path, json: JSONText.object(operations))
        }
        return JSONText.object([
            ("openapi", JSONText.quoted("3.1.0")),
            (
                "info",
                JSONText.object([
                    ("title", JSONText.quoted("Teeline")), ("version", JSONText.quoted(version)),
                ])
            ),
            ("paths", JSONText.object(paths)),
            (
                "components",
                JSONText.object([
                    (
                        "securitySchemes",
                        #"{"bearer":{"type":"http","scheme":"bearer"}}"#
                    ),
                    ("schemas", #"{"Problem":\#(problemSchema)}"#),
                ])
            ),
        ])
    }

    private static func operation(_ route: Route, method: String) -> String {
        var members: [(name: String, json: String)] = [
            ("operationId", JSONText.quoted(operationID(route, method: method))),
            ("summary", JSONText.quoted(route.summary)),
        ]
        var parameters: [String] = []
        if let name = route.parameter {
            let meaning = name == "phone" ? "The number, E.164 or as the carrier says it" : "Our id"
            parameters.append(parameter(name, in: "path", meaning))
        }
        if route.action == .contexts {
            parameters += ContextRoutes.parameters.map { parameter($0.name, in: "query", $0.meaning) }
        }
        if route.action == .recordings {
            parameters += RecordingQuery.parameters.map { parameter($0.name, in: "query", $0.meaning) }
        }
        if route.action == .placeCall {
            parameters.append(
                parameter(
                    "Idempotency-Key", in: "header",
                    "The same key with the same body is the same call, for a day; with another body 422"))
        }
        if !parameters.isEmpty { members.append(("parameters", JSONText.array(parameters))) }
        if let body = route.body {
            let content = body.mediaTypes.map { type in
                (
                    name: type,
                    json: type == "text/csv"
                        ? #"{"schema":{"type":"string"}}"# : #"{"schema":\#(body.schema)}"#
                )
            }
            members.append(
                (
                    "requestBody",
                    JSONText.object([
                        ("required", body.isOptional ? "false" : "true"),
                        ("content", JSONText.object(content)),
                    ])
                ))
        }
        members.append(("responses", responses(route, method: method)))
        if route.isProtected { members.append(("security", #"[{"bearer":[]}]"#)) }
        return JSONText.object(members)
    }

    private static func operationID(_ route: Route, method: String) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }
            .filter { !["v1", "id", "phone"].contains($0) }
        return ([method] + words.map { String($0) }).joined(separator: "_")
            + (route.path.hasSuffix("}") ? "_one" : "")
    }

    private static func parameter(_ name: String, in place: String, _ meaning: String) -> String {
        JSONText.object([
            ("name", JSONText.quoted(name)), ("in", JSONText.quoted(place)),
            ("required", place == "path" ? "true" : "false"), ("description", JSONText.quoted(meaning)),
            ("schema", #"{"type":"string"}"#),
        ])
    }

    private static func responses(_ route: Route, method: String) -> String {
        var list: [(name: String, json: String)] = route.statuses.map { status in
            let hasBody = method != "head" && status != 204
            return (String(status), response("Good", hasBody ? route.mediaType : nil))
        }
        if isAudio(route) {
            list.append(("206", response("Parts of it", method == "head" ? nil : route.mediaType)))
            list.append(("304", response("What you have is current", nil)))
        }
        for (status, meaning) in problems(route) {
            list.append((String(status), response(meaning, "application/problem+json")))
        }
        return JSONText.object(list)
    }

    private static func isAudio(_ route: Route) -> Bool { route.mediaType.hasPrefix("audio/") }

    private static func problems(_ route: Route) -> [(Int, String)] {
        var list: [(Int, String)] = []
        if route.action == .recordings || route.action == .contexts {
            list.append((400, "A parameter cannot be read"))
        } else if route.body != nil {
            list.append((400, "The body cannot be taken; the problem names the member"))
        }
        if route.isProtected { list.append((401, "A token is needed")) }
        if route.parameter != nil { list.append((404, "Unknown, or there is none")) }
        switch route.action {
        case .audio, .conversationAudio:
            list += [(409, "Not ready yet"), (412, "Another version"), (416, "No such range")]
        case .transcript: list.append((409, "Not ready yet"))
        case .placeCall, .issueToken:
            list += [
                (409, "That carrier is not configured"), (429, "Too many calls"),
                (503, "The server drains, or its storage takes no order"),
            ]
            if route.action == .placeCall { list.append((422, "The Idempotency-Key is another order's")) }
        case .hangUp: list.append((409, "The call is over"))
        case .speak:
            list += [
                (409, "The call is over, does not speak yet, or is none of mode speech"),
                (429, "Too many texts wait"),
            ]
        case .readiness: list.append((503, "New calls are not taken"))
        default: break
        }
        if route.body != nil { list += [(413, "The body is too large"), (415, "Another media type")] }
        if route.isProtected { list.append((500, "An error of the server; error_id stands in its log")) }
        return list
    }

    private static func response(_ meaning: String, _ mediaType: String?) -> String {
        var members: [(name: String, json: String)] = [("description", JSONText.quoted(meaning))]
        if let mediaType {
            let schema =
                switch mediaType {
                case "application/problem+json": ##"{"schema":{"$ref":"#/components/schemas/Problem"}}"##
                case "application/json": #"{"schema":{"type":"object"}}"#
                case "audio/mpeg", "audio/wav": "{}"
                default: #"{"schema":{"type":"string"}}"#
                }
            members.append(("content", JSONText.object([(mediaType, schema)])))
        }
        return JSONText.object(members)
    }

    private static let problemSchema = """
        {"type":"object","required":["type","title","status","code","detail"],"properties":{\
        "type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},\
        "code":{"type":"string"},"detail":{"type":"string"},"error_id":{"type":"string"}}}
        """
}
