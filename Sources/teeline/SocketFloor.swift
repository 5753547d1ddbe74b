// What the kernel alone takes to pass a call's frames: the least any bridge can cost on this machine.

import CLinux
import Glibc
import Telemetry

/// A bridge that does nothing: one `recv` and one `send` for each 20 ms frame, over loopback, on one thread.
///
/// No WebSocket, no JSON, no codec and no tape: what the media threads cost beyond this is the bridge's own.
final class SocketFloor: @unchecked Sendable {
    // The descriptors are written before the threads start and closed after they ended; `spent` and `isDone` are
    // guarded by `lock`.
    private static let frameBytes = 330  // a 20 ms frame of Twilio's: 160 bytes as base64 in JSON
    private static let chunkBytes = 260  // the same sound to the agent, with the frame's header
    private static let framesPerSecond = 50

    /// The two connections of a call, each by its far and its near end.
    private struct Ends {
        var carrierFar: Int32
        var carrierNear: Int32
        var agentNear: Int32
        var agentFar: Int32
    }

    private let calls: [Ends]
    private let lock = Lock()
    private var spent: Int64 = 0
    private var isDone = false

    private init(calls: [Ends]) { self.calls = calls }

    /// CPU milliseconds per call-second of the thread between the sockets of `calls` calls, over `seconds`.
    static func measure(calls count: Int, seconds: Int) throws -> Double {
        var calls: [Ends] = []
        defer {
            for ends in calls {
                for end in [ends.carrierFar, ends.carrierNear, ends.agentNear, ends.agentFar] { close(end) }
            }
        }
        for _ in 0..<count {
            let (carrier, agent) = (try pair(), try pair())
            calls.append(
                Ends(carrierFar: carrier.0, carrierNear: carrier.1, agentNear: agent.0, agentFar: agent.1))
        }
        let floor = SocketFloor(calls: calls)
        let bridge = WorkerThread(name: "floor-bridge") { floor.bridge() }
        let agents = WorkerThread(name: "floor-agents") { floor.drain() }
        floor.feed(seconds: seconds)
        floor.lock.withLock { floor.isDone = true }
        bridge.join()
        agents.join()
        return Double(floor.lock.withLock { floor.spent }) / 1e6 / Double(count * seconds)
    }

    /// Two ends of a TCP connection over loopback, without Nagle's delay.
    private static func pair() throws -> (Int32, Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let accepted = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Int32 in
                guard bind(listener, address, length) == 0, listen(listener, 1) == 0,
                    getsockname(listener, address, &length) == 0, connect(client, address, length) == 0
                else { return -1 }
                return accept(listener, nil, nil)
            }
        }
        guard client >= 0, accepted >= 0 else {
            close(client)
            throw BenchError.noSockets
        }
        var on: Int32 = 1
        for end in [client, accepted] {
            setsockopt(end, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        return (client, accepted)
    }

    /// Sends each call's frames every 20 ms, the calls spread evenly over the interval.
    private func feed(seconds: Int) {
        let frame = [UInt8](repeating: 0x41, count: Self.frameBytes)
        let interval = Int64(1_000_000_000 / Self.framesPerSecond / calls.count)
        let began = MonotonicTime.now.nanoseconds
        for number in 0..<(seconds * Self.framesPerSecond * calls.count) {
            let due = began + Int64(number) * interval
            var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
            clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &time, nil)
            _ = send(calls[number % calls.count].carrierFar, frame, frame.count, Int32(MSG_NOSIGNAL))
        }
    }

    private func bridge() {
        wait(on: calls.map(\.carrierNear)) { number, buffer in
            guard recv(calls[number].carrierNear, buffer.baseAddress, buffer.count, 0) > 0 else { return }
            _ = send(calls[number].agentNear, buffer.baseAddress, Self.chunkBytes, Int32(MSG_NOSIGNAL))
        }
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        lock.withLock { spent = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
    }

    private func drain() {
        wait(on: calls.map(\.agentFar)) { number, buffer in
            _ = recv(calls[number].agentFar, buffer.baseAddress, buffer.count, 0)
        }
    }

    /// Calls `ready` with the number of each descriptor that can be read, until the feed has ended.
    private func wait(on descriptors: [Int32], _ ready: (Int, UnsafeMutableRawBufferPointer) -> Void) {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        defer { close(epoll) }
        for (number, descriptor) in descriptors.enumerated() {
            var event = epoll_event()
            event.events = UInt32(EPOLLIN.rawValue)
            event.data.u64 = UInt64(number)
            epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        }
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            while !lock.withLock({ isDone }) {
                let count = epoll_wait(epoll, &events, Int32(events.count), 50)
                for index in 0..<Int(max(count, 0)) { ready(Int(events[index].data.u64), buffer) }
            }
        }
    }
}
