// The media loops and the calls on them: one tick for all calls of a loop.

import Net
import Telemetry

/// A session's seat on a loop, which is free again when nobody holds it any more.
final class LoopSeat: Sendable {
    /// The loop.
    let loop: EventLoop
    private let leave: @Sendable () -> Void

    /// A seat on `loop`; `leave` is called at its end.
    init(on loop: EventLoop, leave: @escaping @Sendable () -> Void = {}) {
        self.loop = loop
        self.leave = leave
    }

    deinit { leave() }
}

/// Some event loops and the calls on them.
final class LoopCrew: @unchecked Sendable {
    // `seats` is guarded by `lock`; each crew member is touched on its own loop only.
    private final class Member: @unchecked Sendable {
        let loop: EventLoop
        // On the loop only.
        var calls: [String: CallSession] = [:]
        var ticker: Ticker?
        init(_ loop: EventLoop) { self.loop = loop }
    }

    /// How often calls are ticked, in milliseconds.
    static let tickMilliseconds = 20
    /// Calls a loop takes before the next one gets any. A loop that is woken finds more frames that wait when it has more
    /// calls, and being woken is what costs: of 100 calls on one loop a seventh less than on two (`teeline bench`), at
    /// a tenth of a processor.
    static let fill = 100

    private let members: [Member]
    private let lock = Lock()
    private var seats: [Int]

    init(count: Int) throws(NetError) {
        var members: [Member] = []
        for number in 0..<max(1, count) {
            members.append(Member(try EventLoop.start(name: "media-\(number)")))
        }
        self.members = members
        seats = members.map { _ in 0 }
    }

    /// A seat for the next call.
    func seat() -> LoopSeat {
        let number = lock.withLock {
            let number = Self.choice(seats)
            seats[number] += 1
            return number
        }
        return LoopSeat(on: members[number].loop) { [weak self] in
            guard let self else { return }
            lock.withLock { seats[number] -= 1 }
        }
    }

    /// Which of the loops with so many `seats` taken gets the next call: the first that is not full, or the emptiest.
    static func choice(_ seats: [Int]) -> Int {
        seats.firstIndex { $0 < fill } ?? seats.indices.min { seats[$0] < seats[$1] } ?? 0
    }

    /// Puts a call with its carrier's socket on its loop.
    func take(_ session: CallSession, _ socket: UpgradedSocket) {
        guard let member = members.first(where: { $0.loop === session.loop }) else { return }
        member.loop.execute {
            member.calls[session.key] = session
            if member.ticker == nil {
                member.ticker = member.loop.every(milliseconds: Self.tickMilliseconds) { Self.tick(member) }
            }
            session.attach(socket)
        }
    }

    private static func tick(_ member: Member) {
        let now = MonotonicTime.now
        for (id, call) in member.calls where !call.tick(at: now) { member.calls[id] = nil }
        if member.calls.isEmpty {
            member.ticker?.cancel()
            member.ticker = nil
        }
    }

    /// Ends the loops.
    func stop() { for member in members { member.loop.stop() } }
}
