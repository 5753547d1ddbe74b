// The REST client: bounded requests and answers over one long-lived URLSession.

import Foundation
import FoundationNetworking

/// A request to somebody else's HTTP service.
public struct HTTPClientRequest: Sendable {
    /// The method, upper case.
    public var method: String
    /// An `http:` or `https:` URL.
    public var url: String
    /// Header fields in order.
    public var headers: [(name: String, value: String)]
    /// The body; empty for none.
    public var body: [UInt8]
    /// How long all of it may take, in milliseconds.
    public var timeoutMilliseconds: Int
    /// Most bytes of the answer's body; beyond it `NetError.tooLarge`.
    public var answerBytes: Int

    /// A request made of its parts.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        timeoutMilliseconds: Int = 15_000, answerBytes: Int = 4 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.answerBytes = answerBytes
    }
}

/// The answer of somebody else's HTTP service, whatever its status.
public struct HTTPClientResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Header fields; the order and repetition of the wire are lost.
    public var headers: [(name: String, value: String)]
    /// The body, bounded by the request's `answerBytes`.
    public var body: [UInt8]

    /// An answer made of its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of header `name`, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A client for REST calls: no cookies, no cache, certificates verified, redirects followed within a host only.
public final class HTTPClient: Sendable {
    private let exchanges = ClientExchanges()
    private let session: URLSession

    /// A client with its own connections. Keep it: each one holds threads and sockets.
    public init(connectionsPerHost: Int = 8) {
        let settings = URLSessionConfiguration.ephemeral
        settings.httpCookieStorage = nil
        settings.httpShouldSetCookies = false
        settings.urlCache = nil
        settings.requestCachePolicy = .reloadIgnoringLocalCacheData
        settings.urlCredentialStorage = nil
        settings.httpMaximumConnectionsPerHost = max(connectionsPerHost, 1)
        session = URLSession(configuration: settings, delegate: exchanges, delegateQueue: nil)
    }

    /// Ends the client: requests under way end with `NetError.cancelled`.
    public func close() { session.invalidateAndCancel() }

    /// Sends `request` and awaits the whole answer. Throws `badURL`, `unresolved`, `timedOut`, `tls`,
    /// `tooLarge`, `cancelled`, `badHandshake` (no HTTP), or `system` with an errno that fits best.
    public func send(_ request: HTTPClientRequest) async throws(NetError) -> HTTPClientResponse {
        guard let url = URL(string: request.url), let scheme = url.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = url.host, !host.isEmpty,
            UpgradeRequest.isToken(request.method)
        else { throw .badURL }
        var message = URLRequest(url: url)
        message.httpMethod = request.method
        // URLSession here counts in whole seconds and takes less than one for none at all; `start` has the
        // exact limit.
        message.timeoutInterval = Double(max(request.timeoutMilliseconds, 1) / 1000 + 2)
        for (name, value) in request.headers {
            guard UpgradeRequest.isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
                throw .badURL
            }
            message.addValue(value, forHTTPHeaderField: name)
        }
        if !request.body.isEmpty { message.httpBody = Data(request.body) }
        let task = session.dataTask(with: message)
        let exchange = ClientExchange(limit: request.answerBytes, milliseconds: request.timeoutMilliseconds)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchanges.start(task, exchange, continuation)
            }
        } onCancel: {
            exchanges.fail(task, .cancelled)
        }
        return try outcome.get()
    }
}

/// What one request has gathered.
private final class ClientExchange: @unchecked Sendable {
    // Guarded by `ClientExchanges.lock`.
    let limit: Int
    let milliseconds: Int
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var error: NetError?
    var continuation: CheckedContinuation<Result<HTTPClientResponse, NetError>, Never>?

    init(limit: Int, milliseconds: Int) { (self.limit, self.milliseconds) = (limit, milliseconds) }
}

/// The requests under way, and URLSession's delegate for them.
private final class ClientExchanges: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    // `lock` guards `live` and what is in it.
    private let lock = PthreadMutex()
    private var live: [Int: ClientExchange] = [:]

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
        let limit = DispatchTime.now() + .milliseconds(max(exchange.milliseconds, 1))
        DispatchQueue.global().asyncAfter(deadline: limit) { [weak self, weak task] in
            guard let task else { return }
            self?.fail(task, .timedOut)
        }
        if Task.isCancelled { fail(task, .cancelled) }
    }

    /// Ends `task` with `error`, unless it has ended.
    func fail(_ task: URLSessionTask, _ error: NetError) {
        finish(task.taskIdentifier) { _ in .failure(error) }
        task.cancel()
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

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let limit = lock.withLock { live[dataTask.taskIdentifier]?.limit ?? 0 }
        guard response.expectedContentLength <= Int64(limit) else {
            completionHandler(.cancel)
            return fail(dataTask, .tooLarge)
        }
        if let response = response as? HTTPURLResponse {
            lock.withLock {
                guard let exchange = live[dataTask.taskIdentifier] else { return }
                exchange.status = response.statusCode
                exchange.headers = response.allHeaderFields.compactMap { name, value in
                    guard let name = name as? String, let value = value as? String else { return nil }
                    return (name, value)
                }
            }
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = lock.withLock {
            guard let exchange = live[dataTask.taskIdentifier] else { return false }
            guard data.count <= exchange.limit - exchange.body.count else { return true }
            exchange.body.append(contentsOf: data)
            return false
        }
        if isTooLarge { fail(dataTask, .tooLarge) }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        // Neither secrets in headers nor a body follow to another host, port or scheme.
        let (from, to) = (task.originalRequest?.url, request.url)
        let stays = from?.scheme == to?.scheme && from?.host == to?.host && from?.port == to?.port
        completionHandler(stays ? request : nil)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let failure = error.map(Self.netError)
        finish(task.taskIdentifier) { exchange in
            if let failure { return .failure(failure) }
            guard exchange.status > 0 else { return .failure(.badHandshake) }
            return .success(
                HTTPClientResponse(status: exchange.status, headers: exchange.headers, body: exchange.body))
        }
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
