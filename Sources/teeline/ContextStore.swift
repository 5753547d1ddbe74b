// The two ways to change contexts: the archive itself, or the API of the server that has it.

import Archive
import Desk
import Foundation
import Net
import Wire

/// Where contexts are changed. An archive has one writer: whoever holds its lock.
enum ContextStore {
    case archive(CallArchive, storage: String)
    case server(ContextAPI)

    /// The archive when nobody holds its lock, otherwise the API of whoever does.
    static func open(storage: String, _ arguments: ParsedArguments) throws(CommandFailure) -> ContextStore {
        let layout = StorageLayout(root: storage)
        if case .process(let id) = StorageHolder.of(layout) {
            return .server(try ContextAPI(storage: storage, process: id, arguments))
        }
        do throws(ArchiveError) {
            return .archive(try CallArchive(layout), storage: storage)
        } catch .storageLocked(let id) {
            // A server began in between.
            return .server(try ContextAPI(storage: storage, process: id, arguments))
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }

    /// Stores one context.
    func put(_ row: ContextRow) async throws(CommandFailure) {
        switch self {
        case .archive(let archive, let storage): try Self.apply(.storeContext(row), archive, storage)
        case .server(let api):
            _ = try await api.send(
                "PUT", api.path(row.phone), Array(JSON.object([("fields", row.json)]).utf8))
        }
    }

    /// Removes one context; false when nothing was known.
    func remove(_ phone: String) async throws(CommandFailure) -> Bool {
        switch self {
        case .archive(let archive, let storage):
            return try Self.apply(.removeContext(phone: phone), archive, storage).isChange
        case .server(let api): return try await api.send("DELETE", api.path(phone)) != nil
        }
    }

    /// Stores `rows`, which `content` says in its own form.
    func importAll(
        _ rows: [ContextRow], content: [UInt8], mediaType: String
    ) async throws(CommandFailure) -> ChangeOutcome {
        switch self {
        case .archive(let archive, let storage):
            return try Self.apply(.importContexts(rows), archive, storage)
        case .server(let api):
            let answer = try await api.send("POST", "/v1/contexts/import", content, mediaType) ?? [:]
            func count(_ name: String) -> Int { (answer[name] as? NSNumber)?.intValue ?? 0 }
            return ChangeOutcome(
                added: count("added"), replaced: count("replaced"), unchanged: count("unchanged"))
        }
    }

    /// Does the change and gives the archive back.
    @discardableResult
    private static func apply(
        _ change: ArchiveChange, _ archive: CallArchive, _ storage: String
    ) throws(CommandFailure) -> ChangeOutcome {
        defer { archive.close() }
        do throws(ArchiveError) {
            return try archive.applyAndWait(change)
        } catch .badValue(let field) {
            throw CommandFailure(.failure, "the \(field) cannot be taken: at most 64 fields and 16 KiB")
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }
}

/// The API of the server that runs on a storage.
struct ContextAPI {
    private let base: String
    private let token: String?
    private let holder: String

    init(storage: String, process: Int32?, _ arguments: ParsedArguments) throws(CommandFailure) {
        let settings = try ServerEnvironment(arguments).settings()
        token = settings.apiTokens.first
        holder = "A server\(process.map { " (process \($0))" } ?? "") holds the storage \(storage)"
        if let url = arguments.values["--url"] {
            base = url.hasSuffix("/") ? String(url.dropLast()) : url
        } else {
            // A server that is bound to every address is reached on this machine's own.
            let any = ["0.0.0.0": "127.0.0.1", "::": "::1"]
            let host = any[settings.host] ?? settings.host
            base = "http://\(host.contains(":") ? "[\(host)]" : host):\(settings.port)"
        }
    }

    /// The path of a number's context, everything but unreserved characters escaped (RFC 3986 §2.3).
    func path(_ phone: String) -> String { "/v1/contexts/" + PercentCoding.encoded(phone) }

    /// Sends a request; the answer's members, nil for 404.
    func send(
        _ method: String, _ path: String, _ body: [UInt8] = [], _ mediaType: String = "application/json"
    ) async throws(CommandFailure) -> [String: Any]? {
        var request = HTTPClientRequest(
            method: method, url: base + path, body: body, timeoutMilliseconds: 60_000)
        if !body.isEmpty { request.headers.append(("Content-Type", mediaType)) }
        if let token { request.headers.append(("Authorization", "Bearer \(token)")) }
        let client = HTTPClient(connectionsPerHost: 1)
        defer { client.close() }
        let answer: HTTPClientResponse
        do throws(NetError) {
            answer = try await client.send(request)
        } catch {
            throw CommandFailure(
                .network,
                """
                \(holder), and \(base) does not answer (\(error)).
                Name its address with --url, or stop it: then this command opens the archive itself.
                """)
        }
        let members = Self.members(answer.body)
        switch answer.status {
        case 200..<300: return members
        case 401:
            throw CommandFailure(
                .configuration,
                """
                \(holder), and \(base) refuses \(token == nil ? "requests without a token" : "the token").
                Set TEELINE_API_TOKEN to one of its tokens, or stop it: then this command opens the archive itself.
                """)
        case 404 where members["code"] as? String == "unknown_context": return nil
        default:
            let detail = members["detail"] as? String ?? "it is no Teeline, or another version"
            throw CommandFailure(.failure, "\(base) answers \(answer.status): \(detail)")
        }
    }

    private static func members(_ body: [UInt8]) -> [String: Any] {
        do {
            return try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] ?? [:]
        } catch {
            // What is no JSON is told by its status alone.
            return [:]
        }
    }
}
