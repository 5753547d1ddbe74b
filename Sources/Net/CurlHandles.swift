// The owners of libcurl's handles.

import CCurl
import Glibc

/// What one transfer of a request is; a redirect changes it.
struct CurlPlan {
    var method: String
    var url: String
    /// Header fields as libcurl wants them: "name: value", "name;" for an empty one, "name:" for none.
    var fields: [String]
    /// A file of certificates to trust instead of the system's.
    var authority: String?
}

/// One transfer of libcurl, ready to be added to a `CurlMulti`.
struct CurlEasy: ~Copyable {
    let handle: UnsafeMutableRawPointer
    private let fields: UnsafeMutablePointer<curl_slist>?

    private init(_ handle: UnsafeMutableRawPointer, _ fields: UnsafeMutablePointer<curl_slist>?) {
        (self.handle, self.fields) = (handle, fields)
    }

    /// A transfer of `request` by `plan` whose header lines and body come to `owner`, which has to outlive it. Nil
    /// when libcurl has no memory, or does not know an option.
    static func make(_ request: HTTPClientRequest, _ plan: CurlPlan, owner: ClientExchange) -> CurlEasy? {
        guard CurlMulti.isReady, let handle = curl_easy_init() else { return nil }
        var list: UnsafeMutablePointer<curl_slist>?
        var isWhole = true
        for field in plan.fields {
            let longer = curl_slist_append(list, field)
            isWhole = isWhole && longer != nil
            list = longer ?? list
        }
        let easy = CurlEasy(handle, list)
        guard isWhole, easy.address(plan), easy.obey(request, plan), easy.carry(request, plan),
            teeline_curl_set_sinks(
                handle, ClientExchange.header, ClientExchange.piece,
                Unmanaged.passUnretained(owner).toOpaque()) == 1
        else { return nil }
        return easy
    }

    private func address(_ plan: CurlPlan) -> Bool {
        teeline_curl_set_text(handle, CURLOPT_URL, plan.url) == 1
            && teeline_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https") == 1
            && teeline_curl_set_fields(handle, fields) == 1
            // Straight to the host, as the WebSockets go, whatever proxy the environment names.
            && teeline_curl_set_text(handle, CURLOPT_PROXY, "") == 1
            && (plan.method == "HEAD"
                || teeline_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, plan.method) == 1)
    }

    private func obey(_ request: HTTPClientRequest, _ plan: CurlPlan) -> Bool {
        var numbers: [(CURLoption, Int)] = [
            // Threads and signals do not go together.
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            (CURLOPT_SUPPRESS_CONNECT_HEADERS, 1), (CURLOPT_PATH_AS_IS, 1),
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            // A name server that is silent holds up nobody's end.
            (CURLOPT_QUICK_EXIT, 1),
            // The exact limits are the client's own.
            (CURLOPT_CONNECTTIMEOUT_MS, max(request.timeoutMilliseconds, 1)),
        ]
        // libcurl asks again when a connection that was used before ends without an answer. What must not be done
        // twice gets a connection that was not.
        if !request.isRepeatable { numbers.append((CURLOPT_FRESH_CONNECT, 1)) }
        if plan.method == "HEAD" { numbers.append((CURLOPT_NOBODY, 1)) }
        for (option, value) in numbers where teeline_curl_set_number(handle, option, value) != 1 {
            return false
        }
        if let authority = plan.authority {
            return teeline_curl_set_text(handle, CURLOPT_CAINFO, authority) == 1
        }
        // OpenSSL's own names for the trusted certificates, as the WebSockets' TLS has them.
        for (option, name) in [(CURLOPT_CAINFO, "SSL_CERT_FILE"), (CURLOPT_CAPATH, "SSL_CERT_DIR")] {
            guard let place = getenv(name), place.pointee != 0 else { continue }
            guard teeline_curl_set_text(handle, option, place) == 1 else { return false }
        }
        return true
    }

    /// Where a redirect leads once it has ended; nil for nowhere.
    var redirect: String? { teeline_curl_redirect(handle).map { String(cString: $0) } }

    /// Gives it the body. A redirect that turned the method into GET leaves it behind (RFC 9110 §15.4).
    private func carry(_ request: HTTPClientRequest, _ plan: CurlPlan) -> Bool {
        let body = plan.method == request.method ? request.body : []
        guard !body.isEmpty || ["POST", "PUT", "PATCH"].contains(plan.method) else { return true }
        return teeline_curl_set_number(handle, CURLOPT_POST, 1) == 1
            && body.withUnsafeBytes { teeline_curl_set_body(handle, $0.baseAddress, $0.count) } == 1
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(fields)
    }
}

/// Many transfers of libcurl, and the connections they share. One thread uses it; only `wake` is for all.
struct CurlMulti: ~Copyable {
    private let handle: UnsafeMutableRawPointer

    /// Whether libcurl could be made ready.
    static let isReady: Bool = teeline_curl_start() == 0

    private init(_ handle: UnsafeMutableRawPointer) { self.handle = handle }

    /// Nil when libcurl has no memory or does not know an option.
    static func make() -> CurlMulti? {
        guard isReady, let handle = curl_multi_init() else { return nil }
        let multi = CurlMulti(handle)
        // Idle connections that are kept for the next request.
        guard teeline_curl_set_many(handle, CURLMOPT_MAXCONNECTS, 32) == 1 else { return nil }
        return multi
    }

    deinit { curl_multi_cleanup(handle) }

    /// Begins a transfer, whose handle has to live until it is removed; false when libcurl refuses it.
    func add(_ easy: UnsafeMutableRawPointer) -> Bool { curl_multi_add_handle(handle, easy) == CURLM_OK }
    /// Takes a transfer out.
    func remove(_ easy: UnsafeMutableRawPointer) { curl_multi_remove_handle(handle, easy) }

    /// Ends the wait of the thread that waits, or its next one.
    func wake() { curl_multi_wakeup(handle) }

    /// Lets all transfers get on, as far as they can without waiting.
    func perform() {
        var running: Int32 = 0
        curl_multi_perform(handle, &running)
    }

    /// Waits for a socket, `wake` or the end of `milliseconds`.
    func wait(milliseconds: Int64) {
        curl_multi_poll(handle, nil, 0, Int32(clamping: max(milliseconds, 0)), nil)
    }

    /// The owner of the next transfer that has ended, and how it ended; nil when there is none.
    func ended() -> (ClientExchange, CURLcode)? {
        var result = CURLE_OK
        guard let easy = teeline_curl_ended(handle, &result), let owner = teeline_curl_owner(easy) else {
            return nil
        }
        return (Unmanaged<ClientExchange>.fromOpaque(owner).takeUnretainedValue(), result)
    }
}
