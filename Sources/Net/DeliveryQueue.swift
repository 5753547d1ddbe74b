// The queue that URLSession calls its delegate on, with a bound: the network waits for a slow reader.

import Foundation
import Telemetry

/// A serial queue that makes the caller wait, a little, while too many pieces stand in line. URLSession reads the
/// socket on the thread that adds to this queue: waiting there fills the socket's buffer, and the peer slows down.
final class DeliveryQueue: OperationQueue, @unchecked Sendable {
    // `lock` guards `pending`.
    private let lock = Lock()
    private var pending = 0

    /// Pieces that may stand in line; libcurl's are of 16 KiB, so this is 4 MiB.
    private static let limit = 256
    /// The longest wait for one piece. It is bounded because a call into URLSession from the queue itself may need
    /// the very thread that waits here.
    private static let milliseconds: Int64 = 50

    override init() {
        super.init()
        maxConcurrentOperationCount = 1
    }

    override func addOperation(_ block: @escaping @Sendable () -> Void) {
        lock.withLock {
            if pending >= Self.limit { lock.wait(milliseconds: Self.milliseconds) }
            pending += 1
        }
        super.addOperation { [self] in
            block()
            lock.withLock {
                pending -= 1
                lock.signalOne()
            }
        }
    }
}
