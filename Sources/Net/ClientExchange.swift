// One request of the REST client and what has come of it: header lines, body, bounds, redirects.

import CCurl
import Foundation
import Telemetry

/// What becomes of the body of a 2xx answer.
enum ClientSink: Sendable {
    /// It is gathered.
    case memory
    /// It is handed on.
    case pieces(onHead: @Sendable (HTTPClientResponse) -> Void, onBytes: @Sendable ([UInt8]) -> Void)
    /// It is written to a file, so many bytes at most.
    case file(DownloadFile, limit: Int64)
}

/// One request and what has come of it.
final class ClientExchange: @unchecked Sendable {
    // `lock` guards `continuation` and `outcome`; all else that varies is touched on the client's thread only.
    typealias Outcome = Result<HTTPClientResponse, NetError>

    let request: HTTPClientRequest
    private let sink: ClientSink
    private let lock = Lock()
    private var continuation: CheckedContinuation<Void, Never>?  // lock
    private var outcome: Outcome?  // lock

    /// The transfer under way, and the host that it keeps a place of.
    var easy: CurlEasy?
    var place: String?
    /// When all of it, and when the first byte of the body is due.
    let due: MonotonicTime
    let firstDue: MonotonicTime?
    /// What ended it before libcurl did.
    private var failure: NetError?

    private var method: String
    private var url: URL
    /// Whom it asks now: scheme, host and port.
    var host: String { "\(url.scheme ?? "")://\(url.host ?? ""):\(url.port ?? 0)" }
    private var redirects = 0
    /// Once another host was asked, credentials stay behind for good, even on the way back.
    private var hasLeftHome = false
    private var status = 0
    private var headers: [(name: String, value: String)] = []
    private var headBytes = 0
    private var isHeadWhole = false
    private var isHeadTold = false
    private var body: [UInt8] = []
    /// Bytes of the body that came, kept or handed on.
    private(set) var received: Int64 = 0

    /// Most bytes of an answer's header.
    private static let headLimit = 64 << 10

    init(_ request: HTTPClientRequest, url: URL, into sink: ClientSink) {
        (self.request, self.url, self.sink) = (request, url, sink)
        method = request.method
        let now = MonotonicTime.now
        due = now.adding(milliseconds: Int64(max(request.timeoutMilliseconds, 1)))
        firstDue = request.firstByteMilliseconds.map { now.adding(milliseconds: Int64(max($0, 1))) }
    }

    /// Who waits for the outcome; not at all when it is there.
    func attach(_ continuation: CheckedContinuation<Void, Never>) {
        let isOver = lock.withLock {
            if outcome == nil { self.continuation = continuation }
            return outcome != nil
        }
        if isOver { continuation.resume() }
    }

    /// Ends it, from any thread. Only the first outcome counts.
    func finish(_ outcome: Outcome) {
        let waiting = lock.withLock { () -> CheckedContinuation<Void, Never>? in
            guard self.outcome == nil else { return nil }
            self.outcome = outcome
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume()
    }

    /// What came of it, for whoever was woken. By the lock and not with the waking: the thread sanitizer sees no order in the
    /// runtime's own hand-over when the answer is there before anybody sleeps.
    var settled: Outcome { lock.withLock { outcome ?? .failure(.cancelled) } }

    /// Whether it has ended for its caller: nothing is handed on any more.
    var isOver: Bool { lock.withLock { outcome != nil } }

    /// When the client has to look at it by the clock.
    var next: MonotonicTime {
        guard let firstDue, received == 0 else { return due }
        return min(due, firstDue)
    }

    // MARK: The transfer

    /// Makes the transfer ready, trusting `authority` or the system's; false when libcurl cannot.
    func prepare(authority: String?) -> Bool {
        let plan = CurlPlan(method: method, url: url.absoluteString, fields: fields(), authority: authority)
        easy = CurlEasy.make(request, plan, owner: self)
        return easy != nil
    }

    /// The header fields as libcurl wants them.
    private func fields() -> [String] {
        var given = request.headers
        if hasLeftHome { given = given.filter { $0.name.lowercased() == "accept" } }
        var lines = given.map { name, value in value.isEmpty ? name + ";" : name + ": " + value }
        // Without a value a field of libcurl's own is left out.
        lines.append("Expect:")
        if !given.contains(where: { $0.name.lowercased() == "content-type" }) {
            lines.append("Content-Type:")
        }
        return lines
    }

    /// The transfer has ended: true when a redirect makes another one necessary.
    func hasEnded(_ result: CURLcode) -> Bool {
        if let failure {
            finish(.failure(failure))
        } else if result != CURLE_OK {
            finish(.failure(NetError(result, of: easy?.handle)))
        } else if status == 0 {
            finish(.failure(.badHandshake))
        } else if follow() {
            return true
        } else {
            tellHead()
            finish(.success(HTTPClientResponse(status: status, headers: headers, body: body)))
        }
        return false
    }

    /// Goes where a redirect leads, if that may be (RFC 9110 §15.4).
    private func follow() -> Bool {
        guard [301, 302, 303, 307, 308].contains(status), redirects < 5, !isOver,
            let text = easy?.redirect, let target = URL(string: text), let host = target.host, !host.isEmpty
        else { return false }
        let stays = url.scheme == target.scheme && url.host == host && url.port == target.port
        if !stays || hasLeftHome {
            guard request.redirects == .anyHostWithoutCredentials, ["GET", "HEAD"].contains(request.method),
                target.scheme == "https" || (target.scheme == "http" && url.scheme == "http")
            else { return false }
            hasLeftHome = true
        }
        if status == 303 && method != "HEAD" || status < 303 && method == "POST" { method = "GET" }
        url = target
        redirects += 1
        (status, headers, headBytes, isHeadWhole) = (0, [], 0, false)
        (body, received) = ([], 0)
        return true
    }

    // MARK: What libcurl hears

    /// libcurl's callback for a line of the header. Any count but all of it ends the transfer.
    static let header: curl_write_callback = { bytes, size, count, owner in
        guard let bytes, let owner else { return 0 }
        let exchange = Unmanaged<ClientExchange>.fromOpaque(owner).takeUnretainedValue()
        return exchange.take(line: UnsafeRawBufferPointer(start: bytes, count: size * count))
            ? size * count : 0
    }

    /// libcurl's callback for a piece of the body.
    static let piece: curl_write_callback = { bytes, size, count, owner in
        guard let bytes, let owner else { return 0 }
        let exchange = Unmanaged<ClientExchange>.fromOpaque(owner).takeUnretainedValue()
        return exchange.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
    }

    private func fail(_ error: NetError) -> Bool {
        failure = error
        return false
    }

    private func take(line: UnsafeRawBufferPointer) -> Bool {
        headBytes += line.count
        guard headBytes <= Self.headLimit else { return fail(.badHandshake) }
        // Fields behind the body (RFC 9112 §7.1.2) are none of ours.
        if isHeadWhole { return true }
        let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if headers.isEmpty, text.hasPrefix("HTTP/") {
            status = Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
            return true
        }
        guard text.isEmpty else {
            if let colon = text.firstIndex(of: ":") {
                headers.append(
                    (String(text[..<colon]), String(text[text.index(after: colon)...].trimmed)))
            }
            return true
        }
        if (100..<200).contains(status) {
            // Word on the way (RFC 9110 §15.2); the answer is still to come.
            (status, headers) = (0, [])
            return true
        }
        isHeadWhole = true
        let told = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int64($0.value) }
        if let told, told > limit, method != "HEAD" { return fail(.tooLarge) }
        // One that may be followed is told only when it is not.
        if !(300..<400).contains(status) { tellHead() }
        return true
    }

    private func tellHead() {
        guard !isHeadTold, case .pieces(let onHead, _) = sink, !isOver else { return }
        isHeadTold = true
        onHead(HTTPClientResponse(status: status, headers: headers))
    }

    private func take(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard !isOver else { return false }
        guard Int64(piece.count) <= limit - received else { return fail(.tooLarge) }
        received += Int64(piece.count)
        switch isHandedOn ? sink : .memory {
        case .memory: body.append(contentsOf: piece)
        case .pieces(_, let onBytes): onBytes(Array(piece))
        case .file(let file, _): if let error = file.append(piece) { return fail(error) }
        }
        return true
    }

    /// Whether the body goes elsewhere than into memory.
    private var isHandedOn: Bool {
        if case .memory = sink { false } else { (200...299).contains(status) }
    }

    /// Most bytes of the body.
    private var limit: Int64 {
        if isHandedOn, case .file(_, let limit) = sink { limit } else { Int64(request.answerBytes) }
    }
}
