// Stream tokens and what they are good for: in memory for the calls, in the archive for a restart.

import Archive
import Carriers
import Cryptography
import Foundation
import Routing
import Signalling
import Telemetry

/// A stream token that was issued.
public struct StreamToken: Sendable {
    /// What the stream has to show. A secret.
    public var text: String
    /// Until when (milliseconds UTC).
    public var expiresAt: Int64
}

/// Calls that are at a door, or were told to open their streams and have not yet: they have a place, too.
private final class Awaited: @unchecked Sendable {
    // `lock` guards `calls`.
    private let lock = Lock()
    private var calls: [String: (caller: String?, called: String?, until: Int64)] = [:]

    func hold(_ key: String, _ caller: String?, _ called: String?, until: Int64) {
        lock.withLock { calls[key] = (caller, called, until) }
    }

    func release(_ key: String) { lock.withLock { calls[key] = nil } }

    func numbers(at now: Int64) -> [(caller: String?, called: String?)] {
        lock.withLock {
            calls = calls.filter { $0.value.until > now }
            return calls.values.map { ($0.caller, $0.called) }
        }
    }
}

/// Issues stream tokens and takes them back. From any thread; never waits for the disk.
public final class PassOffice: Sendable {
    private let passes: StreamPasses<CallPlan>
    private let archive: CallArchive
    private let log: Log
    private let awaited = Awaited()
    private let clock = SteadyClock(wall: PassOffice.now)

    /// How long a call keeps its place without its stream, in milliseconds: a carrier opens it within a second or two.
    static let placeMilliseconds: Int64 = 15_000

    /// The call `carrierCallID` has come in and has a place from now on, until its stream has its own.
    func hold(
        _ carrier: Carrier, _ carrierCallID: String, caller: String?, called: String?,
        milliseconds: Int64 = PassOffice.placeMilliseconds
    ) {
        awaited.hold(
            carrier.rawValue + " " + carrierCallID, caller, called, until: now + milliseconds)
    }

    /// The call `carrierCallID` needs no place any more.
    func leave(_ carrier: Carrier, _ carrierCallID: String) {
        awaited.release(carrier.rawValue + " " + carrierCallID)
    }

    /// The numbers of calls that came in and whose streams are still to come.
    public var awaitedCalls: [(caller: String?, called: String?)] { awaitedCalls(at: now) }

    /// The same at `now` (milliseconds UTC).
    func awaitedCalls(at now: Int64) -> [(caller: String?, called: String?)] { awaited.numbers(at: now) }

    /// An office whose tokens wait `milliseconds` for their streams. Takes up what an earlier server issued, if that one
    /// stopped by itself: of one that was killed nobody knows which of its tokens had let a stream in.
    public init(archive: CallArchive, milliseconds: Int64, log: Log) throws(ArchiveError) {
        passes = StreamPasses(lifetime: milliseconds)
        self.archive = archive
        self.log = log
        let now = self.now
        if archive.forgottenPasses > 0 {
            log(.warning, "passes_forgotten", ["count": .number(Int64(archive.forgottenPasses))])
        }
        for row in try archive.catalog.openPasses(at: now) { restore(row, at: now) }
    }

    /// The wall clock in milliseconds UTC, which is what signatures tell their age by.
    static var now: Int64 { ArchiveTime.now() / 1000 }

    /// What tokens and places tell their age by.
    private var now: Int64 { clock.milliseconds() }

    /// A token for the stream of `carrier`'s call, which is then what `plan` says. Without a call's id it belongs to the
    /// call that shows it first.
    public func issue(
        carrier: Carrier, carrierCallID: String?, plan: CallPlan, milliseconds: Int64? = nil
    ) throws(StreamPassError) -> StreamToken {
        let now = self.now
        let pass = try passes.issue(
            carrier: carrier, callID: carrierCallID, content: plan, lifetime: milliseconds, at: now)
        keep(pass, carrier, carrierCallID, plan, at: now)
        return StreamToken(text: pass.token, expiresAt: pass.expiresAt)
    }

    /// Why `token` would open no stream of `carrier`; nil when it would.
    func check(_ token: String, carrier: Carrier) -> PassRefusal? {
        passes.check(token, carrier: carrier, at: now)
    }

    /// The placed call whose stream `token` opens; nil when it opens none, or one of a call that came in.
    func dial(of token: String, carrier: Carrier) -> String? {
        passes.content(of: token, carrier: carrier, at: now)?.callID
    }

    /// Whether `token` was issued for a call that its carrier had named.
    func isOfACall(_ token: String, carrier: Carrier) -> Bool {
        passes.callID(of: token, carrier: carrier, at: now) != nil
    }

    /// Opens the call of `token`, once.
    func claim(_ token: String, carrier: Carrier, carrierCallID: String) -> Result<CallPlan, PassRefusal> {
        let now = self.now
        let claimed = passes.claim(token, carrier: carrier, callID: carrierCallID, at: now)
        if case .success = claimed { leave(carrier, carrierCallID) }
        if case .success = claimed { keepClaim(token, at: now) }
        return claimed
    }

    /// `token` was issued for a call that its carrier had not named yet; this is its name. Returns the call that has shown it
    /// already when that is another.
    func bind(_ token: String, to carrierCallID: String) -> String? {
        digest(of: token, else: "pass_not_bound").flatMap { passes.bind($0, to: carrierCallID) }
    }

    /// `token` opens nothing any more: its call is over before its stream came.
    func withdraw(_ token: String) {
        guard let digest = digest(of: token, else: "pass_not_withdrawn") else { return }
        passes.withdraw(digest)
        keepClaim(token, at: now)
    }

    /// A stream that `token` let in has ended without a start; of too many such the token is no good any more.
    func streamCameToNothing(_ token: String) {
        guard let digest = digest(of: token, else: "pass_not_withdrawn"), passes.cameToNothing(digest) else {
            return
        }
        log(.warning, "pass_withdrawn", ["cause": .text("idle_streams")])
        keepClaim(token, at: now)
    }

    /// The digest that `token` is known by; nil, with the log's `event`, when none can be made.
    private func digest(of token: String, else event: String) -> SHA256Digest? {
        do throws(CryptographyError) {
            return try SHA256Digest(of: token.utf8)
        } catch {
            log(.error, event, ["cause": .text("digest")])
            return nil
        }
    }

    // MARK: What survives a restart

    private func keep(
        _ pass: IssuedPass, _ carrier: Carrier, _ carrierCallID: String?, _ plan: CallPlan, at now: Int64
    ) {
        guard let digest = Digest(bytes: pass.digest.bytes) else { return }
        let text: String
        do {
            text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
        } catch {
            log(.error, "pass_not_kept", ["cause": .text("encoding")])
            return
        }
        let row = PassRow(
            digest: digest, carrier: carrier.rawValue, carrierCallID: carrierCallID, plan: text,
            issuedAt: now, expiresAt: pass.expiresAt)
        apply(.issuePass(row))
    }

    private func keepClaim(_ token: String, at now: Int64) {
        do throws(CryptographyError) {
            guard let digest = Digest(bytes: try SHA256Digest(of: token.utf8).bytes) else { return }
            archive.apply(.claimPass(digest: digest, at: now)) { [log, archive] result in
                guard case .failure(let error) = result else { return }
                log(.error, "pass_not_kept", ["cause": .text("\(error)")])
                // Of one that is not in the catalog, or was shown by its word, no later server takes another stream.
                if error != .unknownPass, error != .claimedPass { archive.claimWasLost() }
            }
        } catch {
            log(.error, "pass_not_kept", ["cause": .text("digest")])
        }
    }

    private func apply(_ change: ArchiveChange) {
        archive.apply(change) { [log] result in
            if case .failure(let error) = result {
                log(.error, "pass_not_kept", ["cause": .text("\(error)")])
            }
        }
    }

    private func restore(_ row: PassRow, at now: Int64) {
        do {
            guard let carrier = Carrier(rawValue: row.carrier),
                let digest = SHA256Digest(bytes: row.digest.bytes)
            else { return }
            let plan = try JSONDecoder().decode(CallPlan.self, from: Data(row.plan.utf8))
            try passes.restore(
                digest: digest, carrier: carrier, callID: row.carrierCallID, content: plan,
                expiresAt: row.expiresAt, at: now)
        } catch {
            log(.error, "pass_not_restored", [:])
        }
    }
}
