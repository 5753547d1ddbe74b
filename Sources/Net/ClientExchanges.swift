// The REST client's exchanges under way: URLSession's delegate, bounds, redirects and ends.

import Foundation
import FoundationNetworking
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

/// What one request has gathered.
final class ClientExchange: @unchecked Sendable {
    // Guarded by `ClientExchanges.lock`; the constants need no guard.
    let request: HTTPClientRequest
    let sink: ClientSink
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Bytes of the body that came, kept or handed on.
    var received: Int64 = 0
    var redirects = 0
    /// Once another host was asked, credentials stay behind for good, even on the way back.
    var hasLeftHome = false
    var continuation: CheckedContinuation<Result<HTTPClientResponse, NetError>, Never>?

    init(_ request: HTTPClientRequest, into sink: ClientSink) { (self.request, self.sink) = (request, sink) }

    /// Whether the body goes elsewhere than into memory.
    var isHandedOn: Bool {
        if case .memory = sink { false } else { (200...299).contains(status) }
    }
    /// Most bytes of the body.
    var limit: Int64 {
        if isHandedOn, case .file(_, let limit) = sink { limit } else { Int64(request.answerBytes) }
    }
}

/// The requests under way, and URLSession's delegate for them.
final class ClientExchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    // `lock` guards `live`, what is in it, and `isClosed`. URLSession calls its delegate on one serial queue.
    private let lock = Lock()
    private var live: [Int: ClientExchange] = [:]
    private var isClosed = false

    /// What `make` makes; nil once the client is closed, for URLSession ends the process then.
    func task(_ make: () -> URLSessionDataTask) -> URLSessionDataTask? {
        lock.withLock { isClosed ? nil : make() }
    }

    /// No further task is made.
    func close() { lock.withLock { isClosed = true } }

    func start(
        _ task: URLSessionDataTask, _ exchange: ClientExchange,
        _ continuation: CheckedContinuation<Result<HTTPClientResponse, NetError>, Never>
    ) {
        lock.withLock {
            exchange.continuation = continuation
            live[task.taskIdentifier] = exchange
        }
        task.resume()
        // URLSession's own limit is one of idleness; this one is for all of it.
        after(exchange.request.timeoutMilliseconds, task) { _ in true }
        if let limit = exchange.request.firstByteMilliseconds { after(limit, task) { $0.received == 0 } }
        if Task.isCancelled { fail(task, .cancelled) }
    }

    /// Ends `task` as timed out if `isLate` holds for it after `milliseconds`.
    private func after(
        _ milliseconds: Int, _ task: URLSessionDataTask,
        _ isLate: @escaping @Sendable (ClientExchange) -> Bool
    ) {
        let limit = DispatchTime.now() + .milliseconds(max(milliseconds, 1))
        DispatchQueue.global().asyncAfter(deadline: limit) { [weak self, weak task] in
            guard let self, let task else { return }
            if lock.withLock({ live[task.taskIdentifier].map(isLate) ?? false }) { fail(task, .timedOut) }
        }
    }

    /// Ends `task` with `error`, unless it has ended.
    func fail(_ task: URLSessionTask, _ error: NetError) {
        finish(task.taskIdentifier) { _ in .failure(error) }
        // Not from here: URLSession's thread may be waiting for this one (`DeliveryQueue`).
        DispatchQueue.global().async { task.cancel() }
    }

    private func finish(
        _ identifier: Int, _ outcome: (ClientExchange) -> Result<HTTPClientResponse, NetError>
    ) {
        lock.lock()
        let exchange = live.removeValue(forKey: identifier)
        lock.unlock()
        guard let exchange, let continuation = exchange.continuation else { return }
        exchange.continuation = nil
        continuation.resume(returning: outcome(exchange))
    }

    // MARK: URLSession's queue

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let exchange = lock.withLock {
            let exchange = live[dataTask.taskIdentifier]
            if let exchange, let response = response as? HTTPURLResponse {
                exchange.status = response.statusCode
                exchange.headers = response.allHeaderFields.compactMap { name, value in
                    guard let name = name as? String, let value = value as? String else { return nil }
                    return (name, value)
                }
            }
            return exchange
        }
        guard let exchange, response.expectedContentLength <= exchange.limit else {
            completionHandler(.cancel)
            return fail(dataTask, .tooLarge)
        }
        if case .pieces(let onHead, _) = exchange.sink {
            onHead(HTTPClientResponse(status: exchange.status, headers: exchange.headers))
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let (exchange, isTooLarge) = lock.withLock { () -> (ClientExchange?, Bool) in
            guard let exchange = live[dataTask.taskIdentifier] else { return (nil, false) }
            guard Int64(data.count) <= exchange.limit - exchange.received else { return (nil, true) }
            exchange.received += Int64(data.count)
            if !exchange.isHandedOn { exchange.body.append(contentsOf: data) }
            return (exchange, false)
        }
        if isTooLarge { return fail(dataTask, .tooLarge) }
        guard let exchange, exchange.isHandedOn else { return }
        switch exchange.sink {
        case .memory: break
        case .pieces(_, let onBytes): onBytes(Array(data))
        case .file(let file, _):
            if let error = data.withUnsafeBytes({ file.append($0) }) { fail(dataTask, error) }
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        let followed: URLRequest? = lock.withLock {
            guard let exchange = live[task.taskIdentifier], exchange.redirects < 5 else { return nil }
            exchange.redirects += 1
            // Neither secrets in headers nor a body follow to another host, port or scheme.
            let (from, to) = (task.originalRequest?.url, request.url)
            let stays = from?.scheme == to?.scheme && from?.host == to?.host && from?.port == to?.port
            if stays, !exchange.hasLeftHome { return request }
            guard exchange.request.redirects == .anyHostWithoutCredentials, let to,
                ["GET", "HEAD"].contains(exchange.request.method),
                to.scheme == "https" || (to.scheme == "http" && from?.scheme == "http")
            else { return nil }
            exchange.hasLeftHome = true
            var bare = URLRequest(url: to)
            bare.httpMethod = exchange.request.method
            bare.timeoutInterval = request.timeoutInterval
            for (name, value) in exchange.request.headers where name.lowercased() == "accept" {
                bare.setValue(value, forHTTPHeaderField: name)
            }
            return bare
        }
        completionHandler(followed)
    }

    /// A 401 with a challenge is an answer like others. It has been read whole when this comes; left to itself
    /// Foundation would wait for credentials that nobody has.
    func urlSession(
        _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        guard challenge.failureResponse is HTTPURLResponse else {
            return completionHandler(.performDefaultHandling, nil)
        }
        finish(task.taskIdentifier, Self.answer)
        completionHandler(.cancelAuthenticationChallenge, nil)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let failure = error.map(Self.netError)
        finish(task.taskIdentifier) { exchange in
            if let failure { return .failure(failure) }
            return Self.answer(exchange)
        }
    }

    private static func answer(_ exchange: ClientExchange) -> Result<HTTPClientResponse, NetError> {
        guard exchange.status > 0 else { return .failure(.badHandshake) }
        return .success(
            HTTPClientResponse(status: exchange.status, headers: exchange.headers, body: exchange.body))
    }

    private static func netError(_ error: any Error) -> NetError {
        switch (error as? URLError)?.code {
        case .timedOut: .timedOut
        case .cannotFindHost, .dnsLookupFailed: .unresolved
        case .badURL, .unsupportedURL: .badURL
        case .cancelled: .cancelled
        case .cannotConnectToHost: .system(operation: "connect", errno: ECONNREFUSED)
        case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
            .serverCertificateHasUnknownRoot, .serverCertificateNotYetValid, .clientCertificateRejected:
            .tls(reason: "certificate or handshake refused")
        case .badServerResponse, .cannotParseResponse: .badHandshake
        default: .system(operation: "http", errno: EIO)
        }
    }
}
