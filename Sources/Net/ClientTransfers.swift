// The REST client's thread: it adds transfers to libcurl, waits for their sockets and their limits.

import CCurl
import CLinux
import COpenSSL
import Glibc
import Telemetry

/// All requests of one client. libcurl's handles are used on one thread.
final class ClientTransfers: @unchecked Sendable {
    // `lock` guards the members marked so; all else is touched on the thread only, but for the `wake` of `multi`.
    private let lock = Lock()
    private var arrivals: [ClientExchange] = []  // lock
    private var isClosed = false  // lock
    private var threadID: Int32 = 0  // lock
    private var thread: WorkerThread?  // lock
    private var multi: CurlMulti?
    private let connectionsPerHost: Int
    private let authority: String?
    private var live: [ObjectIdentifier: ClientExchange] = [:]
    /// Those that wait for a place, in order, and how many transfers each host has. libcurl's own limit of
    /// connections (7.88) leaves transfers standing at times.
    private var waiting: [ClientExchange] = []
    private var busy: [String: Int] = [:]

    /// A client's transfers; `authority` is a file of certificates to trust instead of the system's. Nil when libcurl
    /// cannot be made ready.
    init?(connectionsPerHost: Int, authority: String?) {
        self.authority = authority
        self.connectionsPerHost = max(connectionsPerHost, 1)
        multi = CurlMulti.make()
        guard multi != nil else { return nil }
        thread = WorkerThread(name: "http-client") { [self] in run() }
    }

    /// Takes a request. Once the client is closed it ends as cancelled.
    func start(_ exchange: ClientExchange) {
        let isTaken = lock.withLock {
            guard !isClosed else { return false }
            arrivals.append(exchange)
            multi?.wake()
            return true
        }
        if !isTaken { exchange.finish(.failure(.cancelled)) }
    }

    /// Ends `exchange` as cancelled, unless it has ended. From any thread.
    func cancel(_ exchange: ClientExchange) {
        exchange.finish(.failure(.cancelled))
        lock.withLock { multi?.wake() }
    }

    /// Ends all requests as cancelled, and the thread; waits for that unless it is the thread that asks.
    func close() {
        let (thread, isOwn) = lock.withLock {
            isClosed = true
            multi?.wake()
            defer { self.thread = nil }
            return (self.thread, threadID == teeline_thread_id())
        }
        if isOwn { thread?.detach() } else { thread?.join() }
    }

    // MARK: The thread

    private func run() {
        // OpenSSL writes to sockets as to files: a peer that is gone must not end the process.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &pipe, nil)
        lock.withLock { threadID = teeline_thread_id() }
        // With it go the connections that were kept.
        defer { lock.withLock { multi = nil } }
        while true {
            let (arrivals, isClosed) = lock.withLock {
                defer { self.arrivals = [] }
                return (self.arrivals, self.isClosed)
            }
            if isClosed {
                for exchange in arrivals + waiting + Array(live.values) {
                    exchange.finish(.failure(.cancelled))
                }
            }
            for exchange in Array(live.values) where exchange.isOver { remove(exchange) }
            if isClosed { return }
            waiting += arrivals
            admit()
            multi?.perform()
            while let (exchange, result) = multi?.ended() {
                let isFollowed = exchange.hasEnded(result)
                remove(exchange)
                if isFollowed { waiting.append(exchange) }
            }
            admit()
            multi?.wait(milliseconds: expire())
        }
    }

    /// Ends what is late. Milliseconds to the next limit.
    private func expire() -> Int64 {
        let now = MonotonicTime.now
        var next = now.adding(milliseconds: 60_000)
        for exchange in waiting + Array(live.values) {
            if exchange.next <= now { exchange.finish(.failure(.timedOut)) }
            next = min(next, exchange.isOver ? now : exchange.next)
        }
        return next <= now ? 0 : next.milliseconds(since: now) + 1
    }

    /// Begins what waits, as far as its host has room.
    private func admit() {
        guard !waiting.isEmpty else { return }
        waiting = waiting.filter { exchange in
            if exchange.isOver { return false }
            guard busy[exchange.host, default: 0] < connectionsPerHost else { return true }
            add(exchange)
            return false
        }
    }

    private func add(_ exchange: ClientExchange) {
        guard exchange.prepare(authority: authority), let handle = exchange.easy?.handle,
            multi?.add(handle) == true
        else {
            exchange.easy = nil
            return exchange.finish(.failure(.system(operation: "http", errno: ENOMEM)))
        }
        live[ObjectIdentifier(exchange)] = exchange
        exchange.place = exchange.host
        busy[exchange.host, default: 0] += 1
    }

    private func remove(_ exchange: ClientExchange) {
        live.removeValue(forKey: ObjectIdentifier(exchange))
        if let handle = exchange.easy?.handle { multi?.remove(handle) }
        exchange.easy = nil
        if let place = exchange.place, let count = busy[place] { busy[place] = count > 1 ? count - 1 : nil }
        exchange.place = nil
    }
}

extension NetError {
    /// What libcurl's `code` means; `easy` tells more of it.
    init(_ code: CURLcode, of easy: UnsafeMutableRawPointer?) {
        let system = easy.map { Int32(clamping: teeline_curl_number($0, CURLINFO_OS_ERRNO)) } ?? 0
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .unresolved
        case CURLE_COULDNT_CONNECT:
            self = .system(operation: "connect", errno: system == 0 ? ECONNREFUSED : system)
        case CURLE_OPERATION_TIMEDOUT: self = .timedOut
        case CURLE_URL_MALFORMAT: self = .badURL
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_GOT_NOTHING: self = .badHandshake
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self = .tls(reason: easy.map(Self.verification) ?? "handshake refused")
        default: self = .system(operation: "http", errno: EIO)
        }
    }

    /// OpenSSL's word for what is wrong with the certificate.
    private static func verification(_ easy: UnsafeMutableRawPointer) -> String {
        let code = teeline_curl_number(easy, CURLINFO_SSL_VERIFYRESULT)
        guard code != 0, let text = X509_verify_cert_error_string(code) else {
            return "certificate or handshake refused"
        }
        return String(cString: text)
    }
}
