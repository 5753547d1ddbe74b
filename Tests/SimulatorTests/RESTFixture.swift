// A house for simulated services to call on: it catches webhooks, answers as told, and takes media sockets.

import Carriers
import Net
import Testing

@testable import Simulator

/// Catches requests. Paths that name a carrier ("/twilio") are media sockets of a small bridge.
final class HookCatcher: HTTPHandler, Sendable {
    typealias Answer = @Sendable (HTTPRequest, Int) -> HTTPResponse

    let bridge: SmallBridge
    private let answer: Answer
    private let server = Watched<HTTPServer?>(nil)
    let caught = Watched<[HTTPRequest]>([])

    /// A house that answers with `answer`, which is told how many requests came before; 200 unless given.
    static func start(
        _ plan: BridgePlan = .play([]), answer: @escaping Answer = { _, _ in HTTPResponse(status: 200) }
    ) throws -> HookCatcher {
        let catcher = HookCatcher(bridge: try SmallBridge.start(plan), answer: answer)
        let server = try HTTPServer.start(
            HTTPServerSettings(port: 0, bodyBytes: 4 << 20), handler: catcher)
        catcher.server.change { $0 = server }
        return catcher
    }

    private init(bridge: SmallBridge, answer: @escaping Answer) {
        self.bridge = bridge
        self.answer = answer
    }

    var host: String { "127.0.0.1:\(server.value?.port ?? 0)" }
    func url(_ path: String) -> String { "http://\(host)\(path)" }
    func socket(_ path: String) -> String { "ws://\(host)\(path)" }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        let before = caught.change { caught in
            caught.append(request)
            return caught.count - 1
        }
        if Carrier(rawValue: String(request.path.dropFirst())) != nil { return bridge.respond(to: request) }
        return .response(answer(request, before))
    }

    /// The requests to `path`.
    func caught(_ path: String) -> [HTTPRequest] { caught.value.filter { $0.path == path } }

    func stop() {
        server.value?.stop()
        bridge.stop()
    }
}

/// A request to a simulated service.
func ask(
    _ method: String, _ url: String, _ authorization: (String, String)? = nil, body: String = "",
    type: String = "application/x-www-form-urlencoded"
) async throws -> HTTPClientResponse {
    let client = HTTPClient()
    defer { client.close() }
    var headers: [(name: String, value: String)] = authorization.map { [($0.0, $0.1)] } ?? []
    if !body.isEmpty { headers.append(("Content-Type", type)) }
    return try await client.send(
        HTTPClientRequest(method: method, url: url, headers: headers, body: Array(body.utf8)))
}

/// The fields of a form's body.
func form(_ request: HTTPRequest) -> [String: String] {
    Dictionary((FormText.fields(request.body) ?? []).map { ($0.name, $0.value) }) { first, _ in first }
}

/// A signer whose signature tells what it signed.
let telltale: HookSigner = { content in
    [("X-Told", FormText.escaped(content.url) + ";\(content.form.count);\(content.body.count)")]
}
