// What can go wrong in the cryptographic library, and why a signed message is refused.

import COpenSSL

/// The library would not do its work. Nothing secret is in it.
public enum CryptographyError: Error, Sendable, Hashable {
    /// A digest or keyed digest could not be computed.
    case digest
    /// A key has the wrong length or is refused.
    case key
    /// A signature could not be made.
    case signing
    /// The generator of random numbers has no entropy (RAND_bytes).
    case random

    /// Empties this thread's queue of OpenSSL errors before a throw: what is left there is taken by the next TLS
    /// call of the thread for its own (SSL_get_error(3)).
    static func cleared(_ error: CryptographyError) -> CryptographyError {
        ERR_clear_error()
        return error
    }
}

/// Why a signed message is refused. For logs and metrics; the sender learns only that it is.
public enum SignatureRefusal: String, Error, Sendable, Hashable, CaseIterable {
    /// A header that bears the signature or its time is missing.
    case missing
    /// A header, the URL or the body cannot be read.
    case malformed
    /// The signature was made by an algorithm that is not known.
    case algorithm
    /// No such key is configured.
    case key
    /// The message is too old, or from the future.
    case time
    /// The signature is of another message, or made with another key.
    case mismatch
    /// The check could not be made.
    case unavailable
}
