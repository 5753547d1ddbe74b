// The media loops and the calls on them: one tick for all calls of a loop.

import Net
import Telemetry

/// Some event loops; calls are spread over them in turn.
final class LoopCrew: @unchecked Sendable {
    // `turn` is guarded by `lock`; each crew member is touched on its own loop only.
    private final class Member: @unchecked Sendable {
        let loop: EventLoop
        // On the loop only.
        var calls: [String: CallSession] = [:]
        var ticker: Ticker?
        init(_ loop: EventLoop) { self.loop = loop }
    }

    /// How often calls are ticked, in milliseconds.
    static let tickMilliseconds = 20

    private let members: [Member]
    private let lock = Lock()
    private var turn = 0

    init(count: Int) throws(NetError) {
        var members: [Member] = []
        for number in 0..<max(1, count) {
            members.append(Member(try EventLoop.start(name: "media-\(number)")))
        }
        self.members = members
    }

    /// The loop for the next call.
    func next() -> EventLoop {
        lock.withLock {
            turn = (turn + 1) % members.count
            return members[turn].loop
        }
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
