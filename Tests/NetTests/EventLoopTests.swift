// The loop as a thread, an executor and a clock.

import Damage
import CLinux
import Dispatch
import Glibc
import Patience
import Testing

@testable import Net

/// An actor that lives on a loop.
private actor Resident {
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private(set) var count = 0
    private(set) var strayed = 0
    init(loop: EventLoop) { self.loop = loop }

    func step() {
        count += 1
        if !loop.isCurrent { strayed += 1 }
    }
    func steps(_ number: Int) async {
        for _ in 0..<number {
            step()
            await Task.yield()
        }
    }
}

/// A pipe's reader on a loop: counts bytes through an actor by `assumeIsolated`.
private final class PipeReader: DescriptorHandler, @unchecked Sendable {
    // On its loop only.
    let resident: Resident
    let descriptor: Int32
    let stopped = Locked(false)
    init(resident: Resident, descriptor: Int32) { (self.resident, self.descriptor) = (resident, descriptor) }
    func ready(_ readiness: Readiness) {
        var bytes = [UInt8](repeating: 0, count: 16)
        for _ in 0..<max(read(descriptor, &bytes, 16), 0) { resident.assumeIsolated { $0.step() } }
    }
    func loopWillStop() { stopped.with { $0 = true } }
}

extension NetTests {
    @Suite struct EventLoopTests {
        @Test func `an actor's work runs on the loop, from anywhere`() async throws {
            let loop = try EventLoop.start(name: "actor")
            let resident = Resident(loop: loop)
            #expect(!loop.isCurrent)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { await resident.steps(500) } }
            }
            #expect(await resident.count == 10_000)
            #expect(await resident.strayed == 0)
            loop.stop()
        }

        @Test func `two actors on two loops call each other`() async throws {
            let loops = try [EventLoop.start(name: "one"), EventLoop.start(name: "two")]
            let residents = loops.map { Resident(loop: $0) }
            for _ in 0..<500 { for resident in residents { await resident.step() } }
            for resident in residents {
                #expect(await resident.count == 500)
                #expect(await resident.strayed == 0)
            }
            for loop in loops { loop.stop() }
        }

        @Test func `readiness enters an actor by assumeIsolated`() async throws {
            let loop = try EventLoop.start(name: "ready")
            let resident = Resident(loop: loop)
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let reader = PipeReader(resident: resident, descriptor: ends[0])
            let watched = Locked<Registration?>(nil)
            loop.execute {
                do throws(NetError) {
                    let registration = try loop.watch(reader.descriptor, .read, handler: reader)
                    watched.with { $0 = registration }
                } catch {
                    Issue.record(error)
                }
            }
            #expect(try await eventually { watched.with { $0 != nil } })
            for _ in 0..<100 { #expect(write(ends[1], [1, 2, 3], 3) == 3) }
            #expect(try await eventually { await resident.count >= 300 })
            #expect(await resident.count == 300)
            #expect(await resident.strayed == 0)
            loop.stop()
            #expect(reader.stopped.with { $0 })
            close(ends[0])
            close(ends[1])
        }

        @Test func `a stale event does not reach a slot's next tenant`() throws {
            let epoll = epoll_create1(0)
            defer { close(epoll) }
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            defer { for end in ends { close(end) } }
            let loop = try EventLoop.start(name: "stale")
            defer { loop.stop() }
            let reader = PipeReader(resident: Resident(loop: loop), descriptor: ends[0])
            var table = DescriptorTable()
            let first = try table.add(ends[0], .read, epoll: epoll, handler: reader)
            #expect(table.handler(of: first.token) === reader)
            table.remove(first, epoll: epoll)
            #expect(table.handler(of: first.token) == nil)
            let second = try table.add(ends[0], .read, epoll: epoll, handler: reader)
            #expect(second.slot == first.slot)
            #expect(table.handler(of: first.token) == nil)
            #expect(table.handler(of: second.token) === reader)
            #expect(throws: NetError.self) { try table.add(-1, .read, epoll: epoll, handler: reader) }
        }

        @Test func `execute keeps the order`() throws {
            let loop = try EventLoop.start(name: "order")
            let order = Locked<[Int]>([])
            for number in 0..<1000 { loop.execute { order.with { $0.append(number) } } }
            loop.stop()
            #expect(order.with { $0 } == Array(0..<1000))
        }

        @Test func `a ticker ticks at its rate until cancelled`() throws {
            let loop = try EventLoop.start(name: "tick")
            let ticks = Locked(0)
            let box = Locked<Ticker?>(nil)
            let start = DispatchTime.now().uptimeNanoseconds
            // On the loop: no tick comes before the ticker is in its box.
            loop.execute {
                let ticker = loop.every(milliseconds: 5) {
                    let count = ticks.with { count in
                        count += 1
                        return count
                    }
                    if count == 20 { box.with { $0 }?.cancel() }
                }
                box.with { $0 = ticker }
            }
            #expect(waitUntil { ticks.with { $0 } == 20 })
            let elapsed = (DispatchTime.now().uptimeNanoseconds - start) / 1_000_000
            #expect(elapsed >= 99)
            let done = Locked(false)
            let deadline = loop.after(milliseconds: 30) { done.with { $0 = true } }
            #expect(waitUntil { done.with { $0 } })
            #expect(ticks.with { $0 } == 20)
            loop.execute { deadline.cancel() }
            loop.stop()
        }

        @Test func `tickers come in the order of their times`() {
            var random = SplitMix64(seed: 11)
            var heap = TickerHeap()
            let fired = Locked<[Int64]>([])
            let dues = (0..<500).map { _ in Int64.random(in: 0..<1000, using: &random) }
            for due in dues { heap.insert(Ticker(interval: 0) { fired.with { $0.append(due) } }, due: due) }
            let cancelled = Ticker(interval: 0) { fired.with { $0.append(-1) } }
            heap.insert(cancelled, due: 500)
            cancelled.cancel()
            while let body = heap.popDue(1000) { body() }
            #expect(fired.with { $0 } == dues.sorted())
            #expect(heap.count == 0)
        }

        @Test func `a late repeating ticker skips what it missed`() {
            var heap = TickerHeap()
            heap.insert(Ticker(interval: 10) {}, due: 10)
            #expect(heap.popDue(9) == nil)
            #expect(heap.popDue(10) != nil)
            #expect(heap.earliest == 20)
            #expect(heap.popDue(57) != nil)
            #expect(heap.earliest == 67)
        }

        @Test func `work after the end still runs, one at a time`() async throws {
            let loop = try EventLoop.start(name: "late")
            let resident = Resident(loop: loop)
            await resident.step()
            loop.stop()
            loop.stop()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { await resident.steps(20) } }
            }
            #expect(await resident.count == 161)
            #expect(await resident.strayed == 0)
        }

        /// A job holds its actor, the actor its loop: the last job's end is the loop's.
        @Test func `a loop that only its work holds goes with it`() async throws {
            struct Weak: Sendable { weak var loop: EventLoop? }
            var loops: [Weak] = []
            for _ in 0..<500 {
                let loop = try EventLoop.start(name: "held")
                let resident = Resident(loop: loop)
                loops.append(Weak(loop: loop))
                loop.stop()
                for _ in 0..<4 { Task.detached { await resident.step() } }
            }
            let all = loops
            #expect(try await eventually { all.allSatisfy { $0.loop == nil } })
        }

        @Test func `loops leave no descriptor`() throws {
            let before = restingDescriptors()
            for _ in 0..<50 { try EventLoop.start(name: "brief").stop() }
            #expect(waitUntil { openedSince(before).isEmpty })
            let own = try EventLoop.start(name: "own")
            own.execute { own.stop() }
            #expect(waitUntil { openedSince(before).isEmpty })
        }
    }
}
