// Pieces of the OpenAPI document: answers, and the doors that others than the desk answer for.

import Wire

/// A header field of an answer that is always there.
public struct DocumentedHeader: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// What it says.
    public var meaning: String
    /// Whether some of these answers come without it.
    public var isOptional = false

    /// A field made of its parts.
    public init(_ name: String, _ meaning: String, isOptional: Bool = false) {
        (self.name, self.meaning, self.isOptional) = (name, meaning, isOptional)
    }
}

/// The body of an answer.
public struct DocumentedContent: Sendable, Hashable {
    /// Its media type, without parameters.
    public var mediaType: String
    /// Its JSON schema, as JSON; nil for bytes of which none can be given.
    public var schema: String?

    /// A body made of its parts.
    public init(_ mediaType: String, schema: String? = nil) {
        (self.mediaType, self.schema) = (mediaType, schema)
    }
}

/// An answer that an operation can give.
public struct DocumentedAnswer: Sendable, Hashable {
    /// Its status.
    public var status: Int
    /// When it is given.
    public var meaning: String
    /// Its header fields that clients look at.
    public var headers: [DocumentedHeader]
    /// Its body, in one of these forms; none when empty.
    public var contents: [DocumentedContent]

    /// An answer made of its parts.
    public init(
        _ status: Int, _ meaning: String, headers: [DocumentedHeader] = [],
        contents: [DocumentedContent] = []
    ) {
        (self.status, self.meaning, self.headers, self.contents) = (status, meaning, headers, contents)
    }

    /// As a member of `responses`. What answers HEAD has no body.
    func member(hasBody: Bool) -> (name: String, json: String) {
        var members = [(name: "description", json: JSON.quoted(meaning))]
        if !headers.isEmpty {
            let fields = headers.map { header in
                (
                    name: header.name,
                    json: JSON.object([
                        ("description", JSON.quoted(header.meaning)),
                        ("required", header.isOptional ? "false" : "true"), ("schema", JSONSchema.text),
                    ])
                )
            }
            members.append((name: "headers", json: JSON.object(fields)))
        }
        if hasBody, !contents.isEmpty {
            let forms = contents.map { content in
                let type = content.schema.map { JSON.object([("schema", $0)]) } ?? "{}"
                return (name: content.mediaType, json: type)
            }
            members.append((name: "content", json: JSON.object(forms)))
        }
        return (String(status), JSON.object(members))
    }
}

/// A door that another room answers for: of carriers, of ElevenLabs, of media streams.
public struct DocumentedDoor: Sendable, Hashable {
    /// Its path.
    public var path: String
    /// Its methods.
    public var methods: [String]
    /// One line about it.
    public var summary: String
    /// The names of the security schemes of which one is enough.
    public var proofs: [String]
    /// The media types of the bodies it takes; empty for none.
    public var takes: [String]
    /// What it answers besides what every operation can.
    public var answers: [DocumentedAnswer]

    /// A door made of its parts.
    public init(
        path: String, methods: [String], summary: String, proofs: [String], takes: [String] = [],
        answers: [DocumentedAnswer]
    ) {
        (self.path, self.methods, self.summary) = (path, methods, summary)
        (self.proofs, self.takes, self.answers) = (proofs, takes, answers)
    }

    /// A problem as doors tell it.
    public static func problem(
        _ status: Int, _ meaning: String, headers: [DocumentedHeader] = []
    ) -> DocumentedAnswer {
        DocumentedAnswer(
            status, meaning, headers: headers,
            contents: [
                DocumentedContent("application/problem+json", schema: JSONSchema.reference("DoorProblem"))
            ])
    }

    /// Its operations, by method.
    var operations: [(name: String, json: String)] {
        methods.map { method in
            let words = path.split { !$0.isLetter && !$0.isNumber }.filter { !["api", "v1"].contains($0) }
            let id = ([method.lowercased(), "door"] + words.map { String($0) }).joined(separator: "_")
            var members: [(name: String, json: String)] = [
                ("operationId", JSON.quoted(id)), ("summary", JSON.quoted(summary)),
            ]
            if method == "POST", !takes.isEmpty {
                let content = takes.map { (name: $0, json: "{}") }
                members.append(
                    (name: "requestBody", json: JSON.object([("content", JSON.object(content))])))
            }
            // A status is told once, as the door tells it.
            var all: [Int: DocumentedAnswer] = [:]
            for answer in OpenAPIAnswers.low.map({ Self.problem($0.status, $0.meaning, headers: $0.headers) })
            {
                all[answer.status] = answer
            }
            for answer in answers { all[answer.status] = answer }
            let responses = all.values.sorted { $0.status < $1.status }.map { $0.member(hasBody: true) }
            members.append((name: "responses", json: JSON.object(responses)))
            let security = proofs.map { JSON.object([($0, "[]")]) }
            members.append((name: "security", json: JSON.array(security)))
            return (name: method.lowercased(), json: JSON.object(members))
        }
    }
}
