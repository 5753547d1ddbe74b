// Asks independent validators (Python's openapi-spec-validator and jsonschema) whether answers are what an OpenAPI
// document says.

import Foundation
import Judges
import Net

/// Gathers the answers of a server and has them judged.
public final class OpenAPIJudge: @unchecked Sendable {
    // One test uses it, one request after the other.
    private let base: String
    private let client = HTTPClient()
    private var answers: [[String: Any]] = []

    /// What the validators say.
    public struct Verdict: Sendable {
        /// What is wrong with the document itself.
        public var document: [String]
        /// What is wrong with each answer, in the order they were asked for, and which it was.
        public var answers: [(name: String, faults: [String])]
        /// Everything that is wrong.
        public var faults: [String] {
            document + answers.flatMap { answer in answer.faults.map { answer.name + ": " + $0 } }
        }
    }

    /// A judge of the server at `base` ("http://127.0.0.1:80").
    public init(base: String) { self.base = base }

    deinit { client.close() }

    /// The statuses that were seen, with the method and the path of each.
    public var seen: [(method: String, path: String, status: Int)] {
        answers.map {
            ($0["method"] as? String ?? "", $0["path"] as? String ?? "", $0["status"] as? Int ?? 0)
        }
    }

    /// Asks the server, and remembers the answer.
    @discardableResult public func ask(
        _ path: String, method: String = "GET", headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) async throws(NetError) -> HTTPClientResponse {
        let response = try await client.send(
            HTTPClientRequest(
                method: method, url: base + path, headers: headers, body: body, answerBytes: 16 << 20))
        note(method, path, response.status, response.headers, response.body)
        return response
    }

    /// Remembers an answer that came another way, or never.
    public func note(
        _ method: String, _ path: String, _ status: Int, _ headers: [(name: String, value: String)],
        _ body: [UInt8]
    ) {
        answers.append([
            "method": method, "path": path.removingPercentEncoding ?? path, "status": status,
            "headers": headers.map { [$0.name, $0.value] }, "body": Data(body).base64EncodedString(),
        ])
    }

    /// What the validators say of all that was seen, held against `document`.
    public func judge(_ document: [UInt8]) throws -> Verdict {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "openapi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["document", "answers"].map { folder.appendingPathComponent($0) }
        try Data(document).write(to: names[0])
        try JSONSerialization.data(withJSONObject: answers).write(to: names[1])
        let script = JudgeProgram.project.appendingPathComponent("Tests/openapi.py").path
        let output = try JudgeProgram.output(
            of: [try JudgeProgram.python(), "-X", "utf8", script, names[0].path, names[1].path], seconds: 300)
        let verdict = try JSONSerialization.jsonObject(with: output) as? [String: Any]
        guard let verdict, let faults = verdict["answers"] as? [[String]],
            let broken = verdict["document"] as? [String], faults.count == answers.count
        else { throw JudgeProgram.Failure("The validators' verdict cannot be read.") }
        let titles = seen.map { "\($0.method) \($0.path) \($0.status)" }
        return Verdict(document: broken, answers: zip(titles, faults).map { ($0, $1) })
    }
}
