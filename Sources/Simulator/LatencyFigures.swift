// Latencies of a load run: gathered as numbers, told as percentiles.

import Telemetry

/// What a set of latencies amounts to, in milliseconds.
public struct LatencySummary: Sendable, Hashable, Codable {
    /// How many were measured.
    public var count: Int
    /// The smallest.
    public var least: Double
    /// Half are no larger.
    public var p50: Double
    /// 90 % are no larger.
    public var p90: Double
    /// 99 % are no larger.
    public var p99: Double
    /// 99.9 % are no larger.
    public var p999: Double
    /// The largest.
    public var most: Double

    /// The summary of `microseconds` (nearest-rank percentiles); all zero when there are none.
    public init(microseconds: [Int64]) {
        let sorted = microseconds.sorted()
        /// The value whose rank is the smallest of at least `part` of the count.
        func rank(_ part: Double) -> Double {
            guard !sorted.isEmpty else { return 0 }
            let index = Int((part * Double(sorted.count)).rounded(.up)) - 1
            return Double(sorted[min(max(index, 0), sorted.count - 1)]) / 1000
        }
        count = sorted.count
        least = rank(0)
        p50 = rank(0.5)
        p90 = rank(0.9)
        p99 = rank(0.99)
        p999 = rank(0.999)
        most = rank(1)
    }
}

/// Gathers latencies of all calls of a load run, whichever thread measures them.
public final class LatencyBoard: @unchecked Sendable {
    // Every stored property is guarded by `lock`.

    /// What the board holds, as values.
    public struct Contents: Sendable {
        /// Caller's frame leaves the carrier → arrives at the agent, in microseconds.
        public var toAgent: [Int64] = []
        /// First chunk of a turn leaves the agent → arrives at the carrier, in microseconds.
        public var turnToCarrier: [Int64] = []
        /// Any chunk leaves the agent → arrives at the carrier (carriers that buffer only), in microseconds.
        public var chunkToCarrier: [Int64] = []
        /// The agent sends `interruption` → the carrier receives `clear`, in microseconds.
        public var interruptionToClear: [Int64] = []
        /// Caller's marked frames that arrived at the agent.
        public var framesArrived = 0
        /// Caller's marked frames missing between two that arrived.
        public var framesMissing = 0
        /// Interruptions the agent sent.
        public var interruptions = 0
    }

    private let lock = Lock()
    private var contents = Contents()
    private var interrupted: [UInt16: Int64] = [:]
    private let most: Int

    /// An empty board that keeps at most `most` latencies of each kind.
    public init(most: Int = 4_000_000) {
        self.most = most
    }

    /// What was gathered so far.
    public var snapshot: Contents { locked { contents } }

    private func locked<Value>(_ body: () -> Value) -> Value { lock.withLock { body() } }

    /// A marked frame of the caller arrived at the agent, `missing` frames after its predecessor.
    func arrivedAtAgent(after microseconds: Int64, missing: Int) {
        locked {
            contents.framesArrived += 1
            contents.framesMissing += missing
            if contents.toAgent.count < most { contents.toAgent.append(microseconds) }
        }
    }

    /// A marked chunk of the agent arrived at the carrier.
    func arrivedAtCarrier(_ kind: LatencyMarker.Kind, after microseconds: Int64, buffers: Bool) {
        locked {
            if kind == .turn, contents.turnToCarrier.count < most {
                contents.turnToCarrier.append(microseconds)
            }
            if buffers, contents.chunkToCarrier.count < most { contents.chunkToCarrier.append(microseconds) }
        }
    }

    /// The agent sent `interruption` in `call` at `microseconds`.
    func interrupted(call: UInt16, at microseconds: Int64) {
        locked {
            contents.interruptions += 1
            interrupted[call] = microseconds
        }
    }

    /// The carrier received `clear` in `call` at `microseconds`; only the first after an interruption counts.
    func cleared(call: UInt16, at microseconds: Int64) {
        locked {
            guard let since = interrupted.removeValue(forKey: call) else { return }
            if contents.interruptionToClear.count < most {
                contents.interruptionToClear.append(microseconds - since)
            }
        }
    }
}
