// The OpenAPI 3.1 document, made from the table of routes.

import Archive

/// The description of the API that clients and tests read.
public enum OpenAPI {
    /// The document for this version of the program.
    public static func document(version: String) -> String {
        let paths = Routes.all.map { route in
            var operations = [("get", operation(route, method: "get"))]
            if route.documentsHead { operations.append(("head", operation(route, method: "head"))) }
            return (name: route.path, json: JSONText.object(operations.map { (name: $0.0, json: $0.1) }))
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
        if route.path.contains("{id}") {
            parameters.append(parameter("id", in: "path", "The recording's id"))
        }
        if route.action == .recordings {
            parameters += RecordingQuery.parameters.map { parameter($0.name, in: "query", $0.meaning) }
        }
        if !parameters.isEmpty { members.append(("parameters", JSONText.array(parameters))) }
        members.append(("responses", responses(route, method: method)))
        if route.isProtected { members.append(("security", #"[{"bearer":[]}]"#)) }
        return JSONText.object(members)
    }

    private static func operationID(_ route: Route, method: String) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }.filter { $0 != "v1" && $0 != "id" }
        return ([method] + words.map { String($0) }).joined(separator: "_")
            + (route.path.hasSuffix("{id}") ? "_one" : "")
    }

    private static func parameter(_ name: String, in place: String, _ meaning: String) -> String {
        JSONText.object([
            ("name", JSONText.quoted(name)), ("in", JSONText.quoted(place)),
            ("required", place == "path" ? "true" : "false"), ("description", JSONText.quoted(meaning)),
            ("schema", #"{"type":"string"}"#),
        ])
    }

    private static func responses(_ route: Route, method: String) -> String {
        var list: [(name: String, json: String)] = [
            ("200", response("Good", method == "head" ? nil : route.mediaType))
        ]
        if route.action == .audio {
            list.append(("206", response("Parts of it", method == "head" ? nil : route.mediaType)))
            list.append(("304", response("What you have is current", nil)))
        }
        for (status, meaning) in problems(route) {
            list.append((String(status), response(meaning, "application/problem+json")))
        }
        return JSONText.object(list)
    }

    private static func problems(_ route: Route) -> [(Int, String)] {
        var list: [(Int, String)] = []
        if route.action == .recordings { list.append((400, "A parameter cannot be read")) }
        if route.isProtected { list.append((401, "A token is needed")) }
        if route.path.contains("{id}") { list.append((404, "Unknown, or there is none")) }
        switch route.action {
        case .audio:
            list += [(409, "Not ready yet"), (412, "Another version"), (416, "No such range")]
        case .transcript: list.append((409, "Not ready yet"))
        case .readiness: list.append((503, "New calls are not taken"))
        default: break
        }
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
                case "audio/mpeg": "{}"
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
