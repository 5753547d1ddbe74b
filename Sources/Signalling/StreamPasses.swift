// Tokens that let one media stream of one call in: single-use, expiring, kept by digest only.

import Carriers
import Cryptography
import Telemetry

/// Why a token lets nobody in.
public enum PassRefusal: String, Error, Sendable, Hashable, CaseIterable {
    /// No such token is known, or it was forgotten.
    case unknown
    /// Its time is over.
    case expired
    /// It has let a stream in already.
    case used
    /// It is another call's.
    case otherCall
    /// It is for another carrier's streams.
    case otherCarrier
    /// The check could not be made.
    case unavailable
}

/// Why no token is issued.
public enum StreamPassError: Error, Sendable, Hashable {
    /// As many as may be are waiting for their streams.
    case full
    /// No random bytes, or no digest.
    case unavailable(CryptographyError)
}

/// What all tokens have in common.
public enum StreamPass {
    /// Characters of a token (`RandomToken`): base64 of 32 bytes for addresses, which need no escape.
    public static let characters = 43
    /// Streams that one token lets in and that end without a start; after the last it is forgotten. Exotel
    /// tries a handshake twice, Telnyx may open a socket before the answer and another after it (carriers.md §4.1.1, §6
    /// no. 18): who goes on makes rows, not calls.
    public static let idleStreams = 8
}

/// A token that was issued: the text goes into the stream's URL and nowhere else, the digest may be kept on disk.
public struct IssuedPass: Sendable {
    let secret: Secret
    /// The token: 43 characters that need no escape.
    public var token: String { String(decoding: secret.bytes, as: UTF8.self) }
    /// What is kept of it.
    public let digest: SHA256Digest
    /// When it is over: milliseconds UTC.
    public let expiresAt: Int64
}

/// The tokens that are out, each with what its stream is to be. Shared by threads.
///
/// A token is looked up by its SHA-256 digest: what the time of that tells is of the digest, from which no token follows.
public final class StreamPasses<Content: Sendable>: @unchecked Sendable {
    private struct Pass {
        var carrier: Carrier
        var callID: String?
        var content: Content
        var expiresAt: Int64
        var isUsed = false
        var idleStreams = 0
    }

    // `lock` guards `passes`.
    private let lock = Lock()
    private var passes: [SHA256Digest: Pass] = [:]
    private let lifetime: Int64
    private let limit: Int

    /// No tokens yet. Each holds for `lifetime` milliseconds; at most `limit` are kept.
    public init(lifetime: Int64, limit: Int = 10_000) {
        self.lifetime = max(lifetime, 0)
        self.limit = max(limit, 1)
    }

    /// How many tokens are kept, used and expired ones among them until they are purged.
    public var count: Int { lock.withLock { passes.count } }

    /// A new token for a stream of `carrier` and its call `callID`; without one it belongs to the call that uses it first.
    /// It holds for `lifetime` milliseconds; nil: as long as the others.
    public func issue(
        carrier: Carrier, callID: String?, content: Content, lifetime: Int64? = nil, at now: Int64
    ) throws(StreamPassError) -> IssuedPass {
        let token: Secret
        let digest: SHA256Digest
        do throws(CryptographyError) {
            token = Secret(try RandomToken.make())
            digest = try SHA256Digest(of: token.bytes)
        } catch { throw .unavailable(error) }
        let (sum, overflow) = now.addingReportingOverflow(max(lifetime ?? self.lifetime, 0))
        let expiresAt = overflow ? Int64.max : sum
        try add(
            digest, Pass(carrier: carrier, callID: callID, content: content, expiresAt: expiresAt), at: now)
        return IssuedPass(secret: token, digest: digest, expiresAt: expiresAt)
    }

    /// Takes up a token of which the digest was kept, after a restart. One that is known stays as it is.
    public func restore(
        digest: SHA256Digest, carrier: Carrier, callID: String?, content: Content, expiresAt: Int64,
        at now: Int64
    ) throws(StreamPassError) {
        try add(
            digest, Pass(carrier: carrier, callID: callID, content: content, expiresAt: expiresAt), at: now)
    }

    /// Why `token` would let no stream of `carrier` in; nil when it would. Nothing is used up: for the upgrade, before the
    /// stream has said which call it is of.
    public func check(_ token: String, carrier: Carrier, at now: Int64) -> PassRefusal? {
        switch Self.digest(token) {
        case .failure(let refusal): refusal
        case .success(let digest):
            lock.withLock { passes[digest].map { Self.refusal($0, carrier, nil, now) } ?? .unknown }
        }
    }

    /// What the stream that `token` would let in is to be; nil when it would let none in. Nothing is used up.
    public func content(of token: String, carrier: Carrier, at now: Int64) -> Content? {
        pass(of: token, carrier, now)?.content
    }

    /// The call that `token`, which would let a stream in, belongs to; nil while it is any call's.
    public func callID(of token: String, carrier: Carrier, at now: Int64) -> String? {
        pass(of: token, carrier, now)?.callID
    }

    private func pass(of token: String, _ carrier: Carrier, _ now: Int64) -> Pass? {
        guard case .success(let digest) = Self.digest(token) else { return nil }
        return lock.withLock {
            passes[digest].flatMap { Self.refusal($0, carrier, nil, now) == nil ? $0 : nil }
        }
    }

    /// Lets the stream of `carrier` and `callID` in, once: of all who try at once one wins. A refusal uses nothing up.
    public func claim(
        _ token: String, carrier: Carrier, callID: String, at now: Int64
    ) -> Result<Content, PassRefusal> {
        Self.digest(token).flatMap { digest in
            lock.withLock {
                guard var pass = passes[digest] else { return .failure(.unknown) }
                if let refusal = Self.refusal(pass, carrier, callID, now) { return .failure(refusal) }
                pass.isUsed = true
                pass.callID = callID
                passes[digest] = pass
                return .success(pass.content)
            }
        }
    }

    /// The token of `digest`, which was issued for a call without a name, is that of `callID`: no other's stream is let in.
    /// Returns the call that has used it already when it is another.
    public func bind(_ digest: SHA256Digest, to callID: String) -> String? {
        lock.withLock {
            guard let pass = passes[digest] else { return nil }
            if pass.isUsed { return pass.callID == callID ? nil : pass.callID }
            passes[digest]?.callID = callID
            return nil
        }
    }

    /// Forgets the token of `digest`: its call is over before its stream came.
    public func withdraw(_ digest: SHA256Digest) { lock.withLock { passes[digest] = nil } }

    /// A stream that the token of `digest` let in has ended without a start. Returns whether the token is forgotten for it.
    public func cameToNothing(_ digest: SHA256Digest) -> Bool {
        lock.withLock {
            guard var pass = passes[digest], !pass.isUsed else { return false }
            pass.idleStreams += 1
            let isLast = pass.idleStreams >= StreamPass.idleStreams
            passes[digest] = isLast ? nil : pass
            return isLast
        }
    }

    /// Forgets all tokens whose time is over.
    public func purge(at now: Int64) {
        lock.withLock { passes = passes.filter { $0.value.expiresAt > now } }
    }

    private func add(_ digest: SHA256Digest, _ pass: Pass, at now: Int64) throws(StreamPassError) {
        let isKept = lock.withLock {
            if passes[digest] != nil { return true }
            if passes.count >= limit { passes = passes.filter { $0.value.expiresAt > now } }
            guard passes.count < limit else { return false }
            passes[digest] = pass
            return true
        }
        guard isKept else { throw .full }
    }

    private static func refusal(
        _ pass: Pass, _ carrier: Carrier, _ callID: String?, _ now: Int64
    ) -> PassRefusal? {
        if pass.carrier != carrier { return .otherCarrier }
        if let bound = pass.callID, let callID, bound != callID { return .otherCall }
        if pass.isUsed { return .used }
        return now >= pass.expiresAt ? .expired : nil
    }

    /// The digest of a token. What has not the length of one of ours is unknown without a look.
    private static func digest(_ token: String) -> Result<SHA256Digest, PassRefusal> {
        guard token.utf8.count == StreamPass.characters else { return .failure(.unknown) }
        do throws(CryptographyError) {
            return .success(try SHA256Digest(of: token.utf8))
        } catch { return .failure(.unavailable) }
    }
}
