// Bytes in and out of a socket, plain or through TLS. Non-blocking.

import COpenSSL
import Glibc

/// What an attempt to move bytes came to.
enum TransportResult: Equatable {
    /// So many bytes moved.
    case moved(Int)
    /// Try again when the socket is readable, or writable.
    case wantsRead, wantsWrite
    /// The peer has closed its side, or the connection is gone.
    case ended
}

/// An open socket. Confined to its loop; closes what it owns.
final class Transport {
    let descriptor: Int32
    private var ssl: OpaquePointer?
    /// Called instead of close(2) for sockets that somebody else owns.
    private let release: (@Sendable () -> Void)?
    private var isClosed = false

    init(descriptor: Int32, release: (@Sendable () -> Void)? = nil) {
        self.descriptor = descriptor
        self.release = release
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(reset: false) }

    /// Whether bytes go through TLS.
    var isSecure: Bool { ssl != nil }

    /// Puts TLS on the socket, with the verification of `host`'s certificate.
    func secure(host: String) -> Bool {
        guard let context = TLSContext.shared.context, let ssl = SSL_new(context) else { return false }
        self.ssl = ssl
        SSL_set_fd(ssl, descriptor)
        SSL_set_connect_state(ssl)
        if Self.isNumeric(host) {
            guard X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 else { return false }
        } else {
            guard SSL_set1_host(ssl, host) == 1, teeline_ssl_set_server_name(ssl, host) == 1 else {
                return false
            }
        }
        return true
    }

    /// Goes on with the TLS handshake; `moved(0)` when it is done.
    func handshake() -> TransportResult {
        guard let ssl else { return .moved(0) }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        return result == 1 ? .moved(0) : outcome(result)
    }

    /// OpenSSL's reason for a failed handshake.
    var failureReason: String {
        guard let ssl else { return "no TLS" }
        let verified = SSL_get_verify_result(ssl)
        if verified != Int(X509_V_OK), let text = X509_verify_cert_error_string(verified) {
            return String(cString: text)
        }
        guard let text = ERR_reason_error_string(ERR_peek_last_error()) else { return "handshake failed" }
        return String(cString: text)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
        if let ssl {
            ERR_clear_error()
            let count = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
            return count > 0 ? .moved(Int(count)) : outcome(count)
        }
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .moved(count) }
            if count == 0 { return .ended }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wantsRead : .ended
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
        if let ssl {
            ERR_clear_error()
            let count = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
            return count > 0 ? .moved(Int(count)) : outcome(count)
        }
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wantsWrite : .ended
        }
    }

    /// Closes the socket; with `reset` the peer sees a broken connection (RST).
    func close(reset: Bool) {
        guard !isClosed else { return }
        isClosed = true
        if reset {
            var value = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
        } else if let ssl {
            SSL_shutdown(ssl)
        }
        if let ssl { SSL_free(ssl) }
        ssl = nil
        guard let release else {
            Glibc.close(descriptor)
            return
        }
        // The owner closes it in its own time; the peer is told now.
        if !reset { shutdown(descriptor, Int32(SHUT_RDWR)) }
        release()
    }

    private func outcome(_ result: Int32) -> TransportResult {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: .wantsRead
        case SSL_ERROR_WANT_WRITE: .wantsWrite
        default: .ended
        }
    }

    private static func isNumeric(_ host: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }
}

/// The client's TLS settings: system authorities, TLS 1.2 and later.
final class TLSContext: @unchecked Sendable {
    // Made once and only read; OpenSSL counts references to it itself.
    static let shared = TLSContext()
    let context: OpaquePointer?

    private init() {
        context = SSL_CTX_new(TLS_client_method())
        guard let context else { return }
        teeline_ssl_ctx_require_tls12(context)
        teeline_ssl_ctx_partial_writes(context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        // SSL_CERT_FILE and SSL_CERT_DIR name other authorities, as everywhere with OpenSSL.
        SSL_CTX_set_default_verify_paths(context)
    }
}
