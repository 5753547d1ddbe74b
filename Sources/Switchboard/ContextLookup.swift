// Who is calling: a customer's context from an HTTPS service, or from the archive's own table.

import Archive
import Cryptography
import Foundation
import Net
import Telemetry
import Wire

/// An HTTPS service that knows customers by their number.
public struct ContextService: Sendable {
    /// Its address; `{phone}` in it stands for the number, percent-encoded. Without it the number is sent as the query
    /// parameter `phone`.
    public var url: String
    /// A bearer token sent along.
    public var token: Secret?
    /// Longest wait, in milliseconds.
    public var timeoutMilliseconds: Int
    /// How long its answers are kept, in milliseconds.
    public var keepMilliseconds: Int64

    /// A service made of its parts.
    public init(url: String, token: Secret?, timeoutMilliseconds: Int, keepMilliseconds: Int64) {
        self.url = url
        self.token = token
        self.timeoutMilliseconds = timeoutMilliseconds
        self.keepMilliseconds = keepMilliseconds
    }
}

/// Looks contexts up. Never fails: a customer nobody knows has an empty context.
final class ContextLookup: @unchecked Sendable {
    // `lock` guards `kept`.
    private let lock = Lock()
    private var kept: [String: (fields: [String: String], until: MonotonicTime)] = [:]
    private let service: ContextService?
    private let client: HTTPClient
    private let catalog: Catalog
    private let log: Log
    private let metrics: MetricsRegistry

    /// Most contexts kept in memory.
    static let keptLimit = 10_000

    init(
        service: ContextService?, client: HTTPClient, catalog: Catalog, log: Log, metrics: MetricsRegistry
    ) {
        self.service = service
        self.client = client
        self.catalog = catalog
        self.log = log
        self.metrics = metrics
    }

    /// The context of the customer behind `phone`.
    func context(of phone: String?) async -> [String: String] {
        guard let phone, let key = PhoneKey.normalised(phone) else { return [:] }
        if let service {
            if let fields = recall(key) { return fields }
            if let fields = await ask(service, key) {
                keep(key, fields, milliseconds: service.keepMilliseconds)
                return fields
            }
        }
        do throws(ArchiveError) {
            return try catalog.context(key)?.fields ?? [:]
        } catch {
            log(.error, "context_unreadable", ["error": .text("\(error)")])
            return [:]
        }
    }

    /// The service's answer: `{"name": "value", …}`, or such an object under "context". 404 means nobody knows.
    private func ask(_ service: ContextService, _ phone: String) async -> [String: String]? {
        let began = MonotonicTime.now
        let outcome: String
        var fields: [String: String]?
        do throws(NetError) {
            let answer = try await client.send(Self.request(service, phone))
            if answer.status == 404 {
                (fields, outcome) = ([:], "unknown")
            } else if answer.status == 200, let read = Self.fields(answer.body) {
                (fields, outcome) = (read, "found")
            } else {
                outcome = answer.status == 200 ? "malformed" : "status_\(answer.status)"
            }
        } catch {
            outcome = error == .timedOut ? "timeout" : "unreachable"
        }
        let milliseconds = MonotonicTime.now.milliseconds(since: began)
        metrics.add(
            "teeline_context_lookups_total", labels: MetricsRegistry.label("outcome", outcome))
        metrics.observe("teeline_context_lookup_seconds", Double(milliseconds) / 1000)
        if fields == nil { log(.warning, "context_service_failed", ["cause": .text(outcome)]) }
        return fields
    }

    static func request(_ service: ContextService, _ phone: String) -> HTTPClientRequest {
        let escaped = PercentCoding.encoded(phone)
        var url = service.url
        if url.contains("{phone}") {
            url = url.replacingOccurrences(of: "{phone}", with: escaped)
        } else {
            url += (url.contains("?") ? "&" : "?") + "phone=" + escaped
        }
        var headers = [("Accept", "application/json")]
        if let token = service.token {
            headers.append(("Authorization", "Bearer " + String(decoding: token.bytes, as: UTF8.self)))
        }
        return HTTPClientRequest(
            url: url, headers: headers, timeoutMilliseconds: service.timeoutMilliseconds,
            answerBytes: 64 << 10)
    }

    /// The fields of an answer: scalars become text, everything deeper is left out.
    static func fields(_ body: [UInt8]) -> [String: String]? {
        let whole: Any
        do {
            whole = try JSONSerialization.jsonObject(with: Data(body))
        } catch {
            return nil
        }
        guard var object = whole as? [String: Any] else { return nil }
        if let inner = object["context"] as? [String: Any] { object = inner }
        var fields: [String: String] = [:]
        for (name, value) in object.sorted(by: { $0.key < $1.key }) where fields.count < ContextRow.fieldLimit
        {
            if let text = value as? String {
                fields[name] = text
            } else if let number = value as? NSNumber {
                let isFlag = ["c", "B"].contains(String(cString: number.objCType))
                fields[name] = isFlag ? (number.boolValue ? "true" : "false") : number.stringValue
            }
        }
        return ContextRow(phone: "+10", fields: fields).fault == nil ? fields : nil
    }

    private func recall(_ phone: String) -> [String: String]? {
        lock.withLock {
            guard let entry = kept[phone] else { return nil }
            if entry.until > .now { return entry.fields }
            kept[phone] = nil
            return nil
        }
    }

    private func keep(_ phone: String, _ fields: [String: String], milliseconds: Int64) {
        guard milliseconds > 0 else { return }
        let now = MonotonicTime.now
        lock.withLock {
            if kept.count >= Self.keptLimit { kept = kept.filter { $0.value.until > now } }
            if kept.count >= Self.keptLimit { kept.removeAll() }
            kept[phone] = (fields, now.adding(milliseconds: milliseconds))
        }
    }
}
