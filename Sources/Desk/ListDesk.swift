// Lists that may take long, on threads of their own: the server's few threads go on taking calls.

import Archive
import Net
import Telemetry

/// Makes lists: few at once, some wait, more are refused. Its threads are there only while there is something to do.
final class ListDesk: @unchecked Sendable {
    // `lock` guards `waiting` and `running`.
    private let lock = Lock()
    private var waiting: [@Sendable () -> Void] = []
    private var running = 0

    /// Most lists that are made at once; of the archive's reading connections the others stay free for calls.
    static let threads = 2
    /// Most lists that wait.
    static let queueLimit = 32
    /// How long a list may take, waiting included, in milliseconds.
    static let milliseconds: Int64 = 10_000

    /// Has `work` done on a thread of the desk's own; false when too much waits already.
    func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, needsThread) = lock.withLock { () -> (Bool, Bool) in
            guard running < Self.threads || waiting.count < Self.queueLimit else { return (false, false) }
            waiting.append(work)
            guard running < Self.threads else { return (true, false) }
            running += 1
            return (true, true)
        }
        if needsThread { WorkerThread(name: "desk-list") { self.run() }.detach() }
        return isTaken
    }

    /// How many lists are made or wait.
    var load: Int { lock.withLock { running + waiting.count } }

    private func run() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        lock.withLock {
            if waiting.isEmpty {
                running -= 1
                return nil
            }
            return waiting.removeFirst()
        }
    }

    /// Answers a request by `answer`, which is given the milliseconds it has, once a thread has made it.
    func answer(_ answer: @escaping @Sendable (_ milliseconds: Int64) -> HTTPResponse) -> HTTPOutcome {
        let asked = MonotonicTime.now
        // The fallback is for a list that neither waits nor ends as it should, and for a server that stops.
        return .deferred(
            limitMilliseconds: Int(Self.milliseconds) + 5000, fallback: Problem.slowList.response
        ) { reply in
            let isTaken = self.submit {
                let left = Self.milliseconds - MonotonicTime.now.milliseconds(since: asked)
                reply.send(left > 0 ? answer(left) : Problem.slowList.response)
            }
            if !isTaken { reply.send(Problem.manyLists.response) }
        }
    }
}

extension Problem {
    /// A list that was given up.
    static let slowList = Problem(
        status: 503, code: "list_too_slow",
        detail: "The list was not there within 10 s: ask for less (from and to narrow it), or again later.",
        headers: ["Retry-After": "10"])
    /// A list that was not begun.
    static let manyLists = Problem(
        status: 503, code: "busy", detail: "Too many lists are asked for at once; ask again.",
        headers: ["Retry-After": "2"])
}
