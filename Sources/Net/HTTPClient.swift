// Small requests to other services' REST interfaces, by URLSession (libcurl).

import Foundation
import FoundationNetworking

/// A request to another service.
public struct HTTPClientRequest: Sendable {
    /// The method.
    public var method: String
    /// The address. Never logged: it may hold a secret.
    public var url: String
    /// Header fields.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: [UInt8]
    /// Longest time for all of it, in seconds.
    public var seconds: Double
    /// Most bytes of the answer's body.
    public var limit: Int

    /// A request made of its parts.
    public init(
        method: String, url: String, headers: [(String, String)] = [], body: [UInt8] = [],
        seconds: Double = 10,
        limit: Int = 1 << 20
    ) {
        self.method = method
        self.url = url
        self.headers = headers.map { (name: $0.0, value: $0.1) }
        self.body = body
        self.seconds = seconds
        self.limit = limit
    }
}

/// The answer of another service.
public struct HTTPClientResponse: Sendable {
    /// The status code.
    public var status: Int
    /// Header fields; names as sent.
    public var headers: [String: String]
    /// The body.
    public var body: [UInt8]
}

/// Sends requests; one long-lived session. Redirects are not followed: an answer from elsewhere is another's.
public final class HTTPClient: NSObject, URLSessionTaskDelegate, @unchecked Sendable {
    // `session` is set once in `init` and only used afterwards; URLSession is safe to share.
    private var session: URLSession?

    /// A client with a session of its own.
    public override init() {
        super.init()
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpCookieStorage = nil
        configuration.urlCache = nil
        session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
    }

    /// Ends the session.
    public func close() { session?.invalidateAndCancel() }

    /// Sends `request` and takes its answer.
    /// - Throws: `badURL`, `timedOut`, `unresolved`, `tls`, `system`, `badHandshake` (an answer too large or not HTTP).
    public func send(_ request: HTTPClientRequest) async throws(NetError) -> HTTPClientResponse {
        guard let url = URL(string: request.url), let session,
            url.scheme == "http" || url.scheme == "https", url.host != nil
        else { throw .badURL }
        var message = URLRequest(url: url, timeoutInterval: request.seconds)
        message.httpMethod = request.method
        for (name, value) in request.headers { message.setValue(value, forHTTPHeaderField: name) }
        if !request.body.isEmpty { message.httpBody = Data(request.body) }
        do {
            let (data, response) = try await session.data(for: message)
            guard let http = response as? HTTPURLResponse, data.count <= request.limit else {
                throw NetError.badHandshake
            }
            var headers: [String: String] = [:]
            for (name, value) in http.allHeaderFields { headers["\(name)"] = "\(value)" }
            return HTTPClientResponse(status: http.statusCode, headers: headers, body: Array(data))
        } catch let error as NetError {
            throw error
        } catch let error as URLError {
            throw Self.translated(error)
        } catch {
            throw .system(operation: "request", errno: 0)
        }
    }

    /// Refuses redirects: the 3xx itself is the answer.
    public func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }

    private static func translated(_ error: URLError) -> NetError {
        switch error.code {
        case .timedOut: .timedOut
        case .cannotFindHost, .dnsLookupFailed: .unresolved
        case .secureConnectionFailed, .serverCertificateUntrusted, .serverCertificateHasBadDate,
            .serverCertificateNotYetValid, .serverCertificateHasUnknownRoot:
            .tls(reason: "verification or handshake failed")
        default: .system(operation: "request", errno: Int32(clamping: error.errorCode))
        }
    }
}
