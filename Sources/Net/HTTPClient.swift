// The REST client: bounded requests and answers, on libcurl.

import Foundation
import Glibc

/// A client for REST calls: no cookies, no cache, certificates verified, redirects followed within a host only
/// (unless a request says otherwise).
public final class HTTPClient: Sendable {
    /// Nil when libcurl could not be made ready.
    private let transfers: ClientTransfers?

    /// A client with its own connections and its own thread. Keep it.
    public convenience init(connectionsPerHost: Int = 8) {
        self.init(connectionsPerHost: connectionsPerHost, authority: nil)
    }

    /// One that trusts the certificates of a file instead of the system's.
    init(connectionsPerHost: Int, authority: String?) {
        transfers = ClientTransfers(connectionsPerHost: connectionsPerHost, authority: authority)
    }

    deinit { close() }

    /// Ends the client: requests under way end with `NetError.cancelled`, and so do later ones. Waits for its thread,
    /// and so for an `onBytes` that is running, but not when that is the caller.
    public func close() { transfers?.close() }

    /// Sends `request` and awaits the whole answer. Throws `badURL`, `unresolved`, `timedOut`, `tls`,
    /// `tooLarge`, `cancelled`, `badHandshake` (no HTTP), or `system` with an errno that fits best.
    public func send(_ request: HTTPClientRequest) async throws(NetError) -> HTTPClientResponse {
        try await perform(request, into: .memory)
    }

    /// Sends `request` and hands on the body of a 2xx answer piece by piece as it comes, `answerBytes` at most in
    /// all; the answer returned has no body then. The body of any other status is kept as by `send`.
    ///
    /// `onHead` comes once before the first piece, with status and header fields, for every status. Both are called
    /// on the client's own thread, one call at a time, and should not wait long: all
    /// answers of this client go through it, and the network waits when they do not get on.
    /// A call that has begun may still run when this throws for a cancellation or a time limit; none begins after.
    /// Throws as `send` does; a body cut short is an error, whatever was handed on before.
    public func stream(
        _ request: HTTPClientRequest, onHead: @escaping @Sendable (HTTPClientResponse) -> Void = { _ in },
        onBytes: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(NetError) -> HTTPClientResponse {
        try await perform(request, into: .pieces(onHead: onHead, onBytes: onBytes))
    }

    /// Sends `request` and writes the body of a 2xx answer to a new file at `path` as it comes, `limitBytes` at
    /// most; the answer returned has no body then. Any other status leaves no file, and its body (bounded by the
    /// request's `answerBytes`) is in the answer.
    ///
    /// The file is the server user's only. It is not synchronized to the disk. On an error it is removed again.
    /// Writing takes the client's thread: give downloads a client of their own. Throws as `send` does, and `system`
    /// of `open` (EEXIST when there is a file already) or `write`.
    public func download(
        _ request: HTTPClientRequest, to path: String, limitBytes: Int64
    ) async throws(NetError) -> HTTPClientResponse {
        let file = try DownloadFile(path: path)
        do throws(NetError) {
            let answer = try await perform(request, into: .file(file, limit: limitBytes))
            try file.close()
            if !(200...299).contains(answer.status) { file.remove() }
            return answer
        } catch {
            file.remove()
            throw error
        }
    }

    private func perform(
        _ request: HTTPClientRequest, into sink: ClientSink
    ) async throws(NetError) -> HTTPClientResponse {
        guard let url = Self.url(of: request) else { throw .badURL }
        guard let transfers else { throw .system(operation: "http", errno: ENOMEM) }
        let exchange = ClientExchange(request, url: url, into: sink)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                exchange.attach(continuation)
                transfers.start(exchange)
            }
        } onCancel: {
            transfers.cancel(exchange)
        }
        return try exchange.settled.get()
    }

    /// The URL of `request`; nil when it is none, or its method or a header field is none.
    private static func url(of request: HTTPClientRequest) -> URL? {
        guard let url = URL(string: request.url), let scheme = url.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = url.host, !host.isEmpty,
            UpgradeRequest.isToken(request.method)
        else { return nil }
        for (name, value) in request.headers {
            guard UpgradeRequest.isToken(name), value.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x09 }) else {
                return nil
            }
        }
        return url
    }
}
