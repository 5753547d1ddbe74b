// One TLS client session of OpenSSL over memory BIOs: bytes in, bytes out, no descriptor.

import COpenSSL
import Glibc

/// The trust of TLS clients: system CAs (or `SSL_CERT_FILE`), TLS 1.2 and up, certificates required.
final class TLSTrust: @unchecked Sendable {
    // SSL_CTX counts its references atomically and is not changed after `init`.
    fileprivate let context: OpaquePointer

    /// OpenSSL's default places, which `SSL_CERT_FILE` and `SSL_CERT_DIR` name; nil when OpenSSL cannot.
    static let system = TLSTrust(authority: nil)

    /// Trust in the certificates of file `authority` only, or in OpenSSL's default places.
    init?(authority: String?) {
        guard let context = SSL_CTX_new(TLS_client_method()) else { return nil }
        self.context = context
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        let trusted =
            if let authority {
                SSL_CTX_load_verify_locations(context, authority, nil)
            } else {
                SSL_CTX_set_default_verify_paths(context)
            }
        guard trusted == 1, teeline_tls_configure(context) == 1 else { return nil }
    }

    deinit { SSL_CTX_free(context) }
}

/// One client session. Used on one loop only.
struct TLSSession: ~Copyable {
    private let session: OpaquePointer
    private let incoming: OpaquePointer  // owned by `session`
    private let outgoing: OpaquePointer  // owned by `session`

    /// What a step came to.
    enum Step {
        /// That many bytes were taken or given; the handshake is done.
        case done(Int)
        /// More bytes of the peer are needed.
        case starved
        /// The peer has ended the session in order.
        case ended
        /// It failed: OpenSSL's reason.
        case failed(String)
    }

    /// A session with `host`, whose certificate must name it (RFC 6125); an address is checked as one.
    init(host: String, isAddress: Bool, trust: TLSTrust) throws(NetError) {
        guard let session = SSL_new(trust.context) else { throw .tls(reason: "no session") }
        guard let incoming = teeline_tls_memory(), let outgoing = teeline_tls_memory() else {
            SSL_free(session)
            throw .tls(reason: "no memory")
        }
        SSL_set_bio(session, incoming, outgoing)
        SSL_set_connect_state(session)
        let named: Bool
        if isAddress {
            named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1
        } else {
            SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            named = SSL_set1_host(session, host) == 1 && teeline_tls_server_name(session, host) == 1
        }
        guard named else {
            SSL_free(session)
            throw .badURL
        }
        (self.session, self.incoming, self.outgoing) = (session, incoming, outgoing)
    }

    deinit { SSL_free(session) }

    /// Gives the session bytes that came from the peer.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        BIO_write(incoming, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Goes on with the handshake.
    func handshake() -> Step {
        ERR_clear_error()
        return step(SSL_do_handshake(session), isHandshake: true)
    }

    /// Deciphers into `buffer`.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Step {
        ERR_clear_error()
        return step(SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    /// Enciphers `bytes`; may take fewer.
    func write(_ bytes: UnsafeRawBufferPointer) -> Step {
        ERR_clear_error()
        return step(SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
    }

    /// Says goodbye (close_notify).
    func shutDown() {
        ERR_clear_error()
        SSL_shutdown(session)
        ERR_clear_error()
    }

    /// Moves what must go to the peer to the end of `queue`.
    func drain(into queue: inout ByteQueue) {
        let pending = BIO_ctrl_pending(outgoing)
        guard pending > 0 else { return }
        let count = BIO_read(outgoing, queue.reserve(pending), Int32(clamping: pending))
        queue.commit(max(Int(count), 0))
    }

    private func step(_ result: Int32, isHandshake: Bool = false) -> Step {
        if result > 0 { return .done(Int(result)) }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .starved
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: break
        }
        let verdict = SSL_get_verify_result(session)
        if isHandshake, verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) {
            return .failed(String(cString: text))
        }
        guard let text = ERR_reason_error_string(ERR_get_error()) else { return .failed("connection closed") }
        return .failed(String(cString: text))
    }
}
