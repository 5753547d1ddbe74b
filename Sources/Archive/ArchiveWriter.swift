// The one thread that writes the catalog.

import CSQLite
import Glibc

/// The catalog's only writing connection, on a thread of its own. Only it checkpoints: SQLite before 3.51.3 can
/// corrupt a database when one connection resets the WAL while another one writes.
///
/// Its queue is bounded: when `limit` changes wait, a further one is refused with `queueFull` at once and nothing of
/// it is done. Nobody ever waits for room; the tape keeps what the catalog has to learn later.
final class ArchiveWriter: Sendable {
    /// Does its work and gives what is to be called once that is on the disk. It may be done twice: what was not
    /// committed is done again.
    typealias Job = @Sendable (SQLiteConnection) -> @Sendable () -> Void
    /// Most changes of one commit. Their completions wait for all of them.
    static let groupLimit = 64

    private struct Queue {
        var jobs: [Job] = []
        var closing = false
        /// Whether no thread runs: before its start (an initializer that throws must not wait for one) and after
        /// its end.
        var finished = true
    }

    private let queue = Guarded(Queue())
    private let limit: Int

    /// Opens the catalog for writing, brings its schema up to date and starts the thread.
    init(path: String, limit: Int, busyMilliseconds: Int32 = 5000) throws(ArchiveError) {
        self.limit = limit
        let connection = try SQLiteConnection(path: path, access: .write, busyMilliseconds: busyMilliseconds)
        try Schema.migrate(connection)
        let start = ThreadStart(connection: connection, queue: queue)
        queue.change { $0.finished = false }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(start)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            queue.change { $0.finished = true }
            throw .noThread(errno: code)
        }
        pthread_detach(thread)
    }

    deinit { close() }

    /// Puts `work` in the queue. `completion` is called on the writer's thread and must not block; when the queue is
    /// full or closed it is called before this returns.
    func submit<Answer: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(ArchiveError) -> Answer,
        completion: @escaping @Sendable (Result<Answer, ArchiveError>) -> Void
    ) {
        let limit = limit
        let refusal: ArchiveError? = queue.change { queue in
            if queue.closing { return .closed }
            if queue.jobs.count >= limit { return .queueFull }
            queue.jobs.append { connection in
                do throws(ArchiveError) {
                    let answer = try work(connection)
                    return { completion(.success(answer)) }
                } catch {
                    return { completion(.failure(error)) }
                }
            }
            return nil
        }
        if let refusal { completion(.failure(refusal)) }
    }

    /// Puts `work` in the queue and suspends until it is done.
    func run<Answer: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(ArchiveError) -> Answer
    ) async throws(ArchiveError) -> Answer {
        let result: Result<Answer, ArchiveError> = await withCheckedContinuation { continuation in
            submit(work) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Puts `work` in the queue and blocks the calling thread until it is done. Never call it on the writer's own
    /// thread (from a completion) or on an event loop.
    func runAndWait<Answer: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        let answer = Guarded<Result<Answer, ArchiveError>?>(nil)
        submit(work) { result in answer.change { $0 = result } }
        guard let result = answer.wait({ $0 }) else { throw .closed }
        return try result.get()
    }

    /// Takes no more work, does what waits, checkpoints and closes. Blocks until that is done; closing twice is fine.
    func close() {
        queue.change { $0.closing = true }
        _ = queue.wait { $0.finished ? true : nil }
    }

    /// What the thread runs on.
    private final class ThreadStart {
        // Freed on the thread itself, connection included.
        private var connection: SQLiteConnection?
        private let queue: Guarded<Queue>

        init(connection: SQLiteConnection, queue: Guarded<Queue>) {
            self.connection = connection
            self.queue = queue
        }

        func run() {
            while let jobs = next() {
                guard let connection else { continue }
                if jobs.count == 1 {
                    jobs[0](connection)()
                    continue
                }
                switch Self.runTogether(jobs, connection) {
                case .committed: break
                // Somebody holds the catalog, and was waited for. To wait again for each change would stop all others.
                case .held: connection.impatiently { for job in jobs { job(connection)() } }
                case .undone: for job in jobs { job(connection)() }
                }
            }
            // The last connection's close checkpoints what is left and removes the WAL.
            connection = nil
            queue.change { $0.finished = true }
        }

        /// What a common commit came to.
        private enum Together { case committed, undone, held }

        /// Does all of `jobs` in one commit: when many calls end at once the disk is waited for once, not for each. Unless
        /// it was committed, nobody was told anything, and each is to be done by itself.
        private static func runTogether(_ jobs: [Job], _ connection: SQLiteConnection) -> Together {
            var completions: [@Sendable () -> Void] = []
            do throws(ArchiveError) {
                try connection.group { for job in jobs { completions.append(job(connection)) } }
            } catch {
                if case .sqlite(let code, _) = error, code & 0xff == SQLITE_BUSY { return .held }
                return .undone
            }
            for completion in completions { completion() }
            return .committed
        }

        /// What waits, in batches; nil when the queue is closed and empty.
        private func next() -> [Job]? {
            let batch: [Job]?? = queue.wait { queue in
                if !queue.jobs.isEmpty {
                    let jobs = Array(queue.jobs.prefix(ArchiveWriter.groupLimit))
                    queue.jobs.removeFirst(jobs.count)
                    return .some(jobs)
                }
                return queue.closing ? .some(nil) : nil
            }
            return batch ?? nil
        }
    }
}
