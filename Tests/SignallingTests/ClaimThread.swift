// A thread of its own for a test that needs several at once, whatever the number of processors.

import Foundation

enum ClaimThread {
    /// Runs `body` on a new thread and returns when it is done.
    static func run(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            Thread {
                body()
                done.resume()
            }.start()
        }
    }

    /// Lets other threads run.
    static func giveWay() { sched_yield() }
}
