// A simulated stream that runs: it can be ended, and its result awaited.

import Net

/// A handle on one simulated call.
public final class LiveStream: @unchecked Sendable {
    // `carrier` is touched on the loop's thread only; `outcome` guards itself.
    private let loop: EventLoop
    private let outcome = Watched<SimulatedCallResult?>(nil)
    var carrier: SimulatedCarrier?

    init(_ loop: EventLoop) { self.loop = loop }

    /// The carrier ends the call now, as its planned ending says.
    public func hangUp() {
        loop.execute { [self] in carrier?.hangUp(at: SimulatedCarrier.now) }
    }

    /// Waits for the end, at most `milliseconds`; nil when it has not come.
    public func result(withinMilliseconds milliseconds: Int = 60_000) async -> SimulatedCallResult? {
        _ = await outcome.wait(milliseconds: milliseconds) { $0 != nil }
        return outcome.value
    }

    func ended(_ result: SimulatedCallResult) {
        loop.execute { [self] in carrier = nil }
        outcome.change { $0 = result }
    }
}
