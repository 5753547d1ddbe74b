// A question to the catalog that may not take longer than it may.

import CSQLite
import Telemetry

extension SQLiteConnection {
    /// How many of SQLite's own steps pass between two looks at the clock: some tenths of a millisecond.
    private static let stepsBetweenLooks: Int32 = 10_000

    /// Runs `body`, whose statements are broken off after `milliseconds` (nil: never). Throws `tooSlow` then.
    func within<Answer>(
        _ milliseconds: Int64?, _ body: () throws(ArchiveError) -> Answer
    ) throws(ArchiveError) -> Answer {
        guard let milliseconds else { return try body() }
        let due = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
        due.initialize(to: MonotonicTime.now.adding(milliseconds: milliseconds).nanoseconds)
        // sqlite.org/c3ref/progress_handler.html: anything but 0 breaks the statement off.
        watch(
            everySteps: Self.stepsBetweenLooks,
            { due in
                guard let due else { return 0 }
                return MonotonicTime.now.nanoseconds < due.load(as: Int64.self) ? 0 : 1
            }, due)
        defer {
            watch(everySteps: 0, nil, nil)
            due.deallocate()
        }
        do throws(ArchiveError) {
            return try body()
        } catch .sqlite(let code, _) where code & 0xff == SQLITE_INTERRUPT {
            throw .tooSlow
        } catch {
            throw error
        }
    }
}
