// The simulated carriers' own network: one loop and one ticker for all of their calls.

import Net
import Telemetry

/// Runs simulated calls on one loop.
public final class CarrierNetwork: @unchecked Sendable {
    // Every stored property but `loop` is touched on the loop's thread only, `ticker` also at start and stop.

    /// The loop all calls live on.
    public let loop: EventLoop
    /// Every how many ticks a call is served: calls are spread over as many shares.
    private let shares: Int
    private let ownsLoop: Bool
    private var ticker: Ticker?
    private var tick = 0
    private var calls: [[SimulatedCarrier]]
    private var next = 0

    /// A network on a loop of its own that serves each call every `milliseconds`.
    public static func start(name: String = "carriers", everyMilliseconds milliseconds: Int = 20)
        throws(NetError) -> CarrierNetwork
    {
        let loop = try EventLoop.start(name: name)
        return CarrierNetwork(loop: loop, everyMilliseconds: milliseconds, shares: 1, ownsLoop: true)
    }

    /// A network on `loop`, which others may share. Each call is served every `milliseconds`, in `shares`
    /// groups one after another: callers do not speak at the same instant.
    public convenience init(
        sharing loop: EventLoop, everyMilliseconds milliseconds: Int = 20, shares: Int = 20
    ) {
        self.init(loop: loop, everyMilliseconds: milliseconds, shares: shares, ownsLoop: false)
    }

    private init(loop: EventLoop, everyMilliseconds milliseconds: Int, shares: Int, ownsLoop: Bool) {
        self.loop = loop
        self.shares = max(shares, 1)
        self.ownsLoop = ownsLoop
        calls = Array(repeating: [], count: self.shares)
        ticker = loop.every(milliseconds: max(milliseconds / self.shares, 1)) { [weak self] in self?.serve() }
    }

    /// Makes one call after `milliseconds` and waits for its end. Every way it can fail is in the result.
    public func call(_ settings: SimulatedCallSettings, afterMilliseconds milliseconds: Int = 0) async
        -> SimulatedCallResult
    {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                let carrier = SimulatedCarrier(settings, on: loop, after: milliseconds) {
                    continuation.resume(returning: $0)
                }
                calls[next % shares].append(carrier)
                next &+= 1
                carrier.serve(at: MonotonicTime.now.nanoseconds / 1000)
            }
        }
    }

    /// Begins one call after `milliseconds`, for somebody who may end it before its time.
    public func begin(_ settings: SimulatedCallSettings, afterMilliseconds milliseconds: Int = 0)
        -> LiveStream
    {
        let stream = LiveStream(loop)
        loop.execute { [self] in
            let carrier = SimulatedCarrier(settings, on: loop, after: milliseconds) { stream.ended($0) }
            stream.carrier = carrier
            calls[next % shares].append(carrier)
            next &+= 1
            carrier.serve(at: SimulatedCarrier.now)
        }
        return stream
    }

    /// Stops serving. Calls that still run must have ended before.
    public func stop() {
        loop.execute { [self] in ticker?.cancel() }
        if ownsLoop { loop.stop() }
    }

    /// One tick: the calls of one share.
    private func serve() {
        let share = tick % shares
        tick &+= 1
        guard !calls[share].isEmpty else { return }
        var ended = false
        for index in calls[share].indices {
            let call = calls[share][index]
            call.serve(at: MonotonicTime.now.nanoseconds / 1000)
            if call.isOver { ended = true }
        }
        if ended { calls[share].removeAll { $0.isOver } }
    }
}
