// The outbound calls that are under way: what of them is known before their rows and streams tell.

import Carriers
import Telemetry

/// Knows the placed calls of this process until they are over. From any thread; never waits.
final class DialBook: @unchecked Sendable {
    /// A placed call.
    struct Dial: Sendable {
        var carrier: Carrier
        /// Its stream's token, once there is one.
        var token: String?
        /// The carrier's identifier, once it has told it.
        var carrierCallID: String?
        /// Whether it is to be ended as soon as that can be done.
        var isCanceled = false
        /// Whether its stream has begun: from then on it is one of the live calls.
        var isLive = false
        /// Whether somebody has answered, by the carrier's word.
        var isAnswered = false
        var watch: Task<Void, Never>?
    }

    // `lock` guards `dials`.
    private let lock = Lock()
    private var dials: [String: Dial] = [:]

    /// How many calls are being placed or ring.
    var underWay: Int { underWay(besides: []) }

    /// The same without the calls `others`.
    func underWay(besides others: Set<String>) -> Int {
        lock.withLock { dials.count { !$0.value.isLive && !others.contains($0.key) } }
    }

    /// The calls that are being placed or ring.
    var waiting: [String] { lock.withLock { dials.filter { !$0.value.isLive }.map(\.key) } }

    /// Whether `id` is one of ours and not over.
    func knows(_ id: String) -> Bool { lock.withLock { dials[id] != nil } }

    /// Call `id` is going to be placed. `onSilence` is called when after `milliseconds` neither its stream has begun nor its
    /// end has been told.
    func begin(
        _ id: String, _ carrier: Carrier, milliseconds: Int64, onSilence: @escaping @Sendable () -> Void
    ) {
        let watch = Task { [self] in
            do {
                try await Task.sleep(nanoseconds: UInt64(max(milliseconds, 0)) * 1_000_000)
            } catch {
                // It is over, or the server stops.
                return
            }
            let isSilent = lock.withLock { dials[id].map { !$0.isLive } ?? false }
            if isSilent { onSilence() }
        }
        lock.withLock { dials[id] = Dial(carrier: carrier, watch: watch) }
    }

    /// Call `id` has a token for its stream; false when it is to be ended, or over: then nobody may use the token.
    func keep(_ token: String, of id: String) -> Bool {
        lock.withLock {
            guard dials[id]?.isCanceled == false else { return false }
            dials[id]?.token = token
            return true
        }
    }

    /// The token of call `id`'s stream, while it is needed.
    func token(of id: String) -> String? { lock.withLock { dials[id]?.token } }

    /// Whether call `id` is to be ended, or over already.
    func isCanceled(_ id: String) -> Bool { lock.withLock { dials[id]?.isCanceled ?? true } }

    /// The carrier has told its own identifier of call `id`. Returns whether the call is to be ended.
    func name(_ id: String, _ carrierCallID: String) -> Bool {
        lock.withLock {
            dials[id]?.carrierCallID = carrierCallID
            return dials[id]?.isCanceled ?? false
        }
    }

    /// Call `id` is to be ended. Returns what was known of it, its token for the last time; nil when it is none of ours,
    /// or over.
    func cancel(_ id: String) -> Dial? {
        lock.withLock {
            let dial = dials[id]
            dials[id]?.isCanceled = true
            dials[id]?.token = nil
            return dial
        }
    }

    /// Somebody has answered call `id`.
    func isAnswered(_ id: String) { lock.withLock { dials[id]?.isAnswered = true } }

    /// Whether somebody has answered call `id`: the carrier said so, or its stream has begun.
    func hasAnswered(_ id: String) -> Bool {
        lock.withLock { dials[id].map { $0.isAnswered || $0.isLive } ?? false }
    }

    /// The stream of call `id` has begun. Returns whether it is one of ours.
    func wentLive(_ id: String) -> Bool {
        lock.withLock {
            guard dials[id] != nil else { return false }
            dials[id]?.isLive = true
            dials[id]?.watch?.cancel()
            return true
        }
    }

    /// Call `id` is over. Returns its token when no stream has used it.
    func end(_ id: String) -> String? {
        lock.withLock {
            let dial = dials.removeValue(forKey: id)
            dial?.watch?.cancel()
            return dial?.isLive == false ? dial?.token : nil
        }
    }

    /// Nothing is watched any more: the server stops.
    func stop() { lock.withLock { for dial in dials.values { dial.watch?.cancel() } } }
}
