// Where texts are spoken over WebSockets: one loop, a socket a text, as many at once as the service allows.

import Agents
import Net
import Telemetry

/// Speaks texts over `stream-input`, each on a socket of its own: a text that nobody wants any more ends with its socket, and
/// nothing of one text can come into another.
final class SpeechSocketLine: @unchecked Sendable {
    // `lock` guards `loop` and `isClosed`; `live` and `waiting` are touched on the loop only.
    private let connections: Int
    private let lock = Lock()
    private var loop: EventLoop?
    private var isClosed = false
    private var live = 0
    private var waiting: [SpeechTalk] = []

    /// A line of at most `connections` sockets at once; texts beyond it wait.
    init(connections: Int) { self.connections = max(connections, 1) }

    /// Ends what is under way, and the loop's thread.
    func close() {
        let loop = lock.withLock { () -> EventLoop? in
            isClosed = true
            return self.loop
        }
        loop?.stop()
    }

    /// Speaks one text into `gate`; nil when the service said that it is whole. A cancelled task ends it.
    func speak(_ order: SpeechTalkOrder, into gate: SpeechGate) async -> SpeechFailure? {
        guard let loop = startedLoop() else { return SpeechFailure(.network) }
        let talk = SpeechTalk(order, gate: gate, loop: loop)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.execute { [self] in
                    enter(talk)
                    // One that was cancelled before it came here has been over since.
                    talk.whenOver { [self] failure in
                        left(talk)
                        continuation.resume(returning: failure)
                    }
                }
            }
        } onCancel: {
            loop.execute { talk.end(SpeechFailure(.cancelled)) }
        }
    }

    /// The loop, started with the first text; nil when the kernel gives none, or after `close`.
    private func startedLoop() -> EventLoop? {
        lock.withLock {
            guard !isClosed else { return nil }
            if loop == nil {
                do throws(NetError) { loop = try EventLoop.start(name: "speech") } catch { return nil }
            }
            return loop
        }
    }

    // MARK: On the loop

    private func enter(_ talk: SpeechTalk) {
        waiting.append(talk)
        admit()
    }

    private func left(_ talk: SpeechTalk) {
        if let index = waiting.firstIndex(where: { $0 === talk }) {
            waiting.remove(at: index)
        } else {
            live -= 1
        }
        admit()
    }

    private func admit() {
        while live < connections, !waiting.isEmpty {
            live += 1
            waiting.removeFirst().start()
        }
    }
}
