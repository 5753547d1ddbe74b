// The descriptors a loop watches: slots with generations over epoll.

import CLinux
import Glibc

/// What a descriptor is ready for.
struct Readiness: OptionSet, Sendable {
    let rawValue: UInt32
    static let read = Readiness(rawValue: UInt32(EPOLLIN.rawValue))
    static let write = Readiness(rawValue: UInt32(EPOLLOUT.rawValue))
    static let failure = Readiness(rawValue: UInt32(EPOLLERR.rawValue))
    static let hangUp = Readiness(rawValue: UInt32(EPOLLHUP.rawValue))
}

/// Who hears that a descriptor is ready. Called on the loop's thread.
protocol DescriptorHandler: AnyObject {
    /// The descriptor is ready.
    func ready(_ readiness: Readiness)
    /// The loop ends: let go of the descriptor.
    func loopWillStop()
}

/// A socket that gathers what a turn queued and writes it at the turn's end.
protocol LoopFlushable: AnyObject {
    func flushAtEndOfTurn()
}

/// One watched descriptor: its slot and the slot's generation at that time.
struct Registration: Sendable, Hashable {
    var slot: UInt32
    var generation: UInt32
    /// The 64 bits that epoll carries.
    var token: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

/// Slots of watched descriptors. A slot's generation rises when it is freed, so that an event for a descriptor
/// unwatched earlier in the same batch is recognised as stale.
struct DescriptorTable {
    private struct Slot {
        var generation: UInt32
        var descriptor: Int32
        var handler: (any DescriptorHandler)?
    }
    private var slots: [Slot] = []
    private var free: [UInt32] = []

    /// The handlers of all watched descriptors.
    var handlers: [any DescriptorHandler] { slots.compactMap(\.handler) }

    /// The handler of an event with `token`; nil when it is stale.
    func handler(of token: UInt64) -> (any DescriptorHandler)? {
        let index = Int(UInt32(truncatingIfNeeded: token))
        guard index < slots.count, slots[index].generation == UInt32(truncatingIfNeeded: token >> 32) else {
            return nil
        }
        return slots[index].handler
    }

    /// Watches `descriptor` on `epoll`, level-triggered.
    mutating func add(
        _ descriptor: Int32, _ interest: Readiness, epoll: Int32, handler: any DescriptorHandler
    ) throws(NetError) -> Registration {
        let index: UInt32
        if let last = free.popLast() {
            index = last
        } else {
            index = UInt32(slots.count)
            slots.append(Slot(generation: 0, descriptor: -1, handler: nil))
        }
        let registration = Registration(slot: index, generation: slots[Int(index)].generation)
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = registration.token
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            let code = errno
            free.append(index)
            throw .system(operation: "epoll_ctl", errno: code)
        }
        slots[Int(index)].descriptor = descriptor
        slots[Int(index)].handler = handler
        return registration
    }

    /// Changes what a descriptor is watched for.
    func change(_ registration: Registration, to interest: Readiness, epoll: Int32) {
        guard handler(of: registration.token) != nil else { return }
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = registration.token
        epoll_ctl(epoll, EPOLL_CTL_MOD, slots[Int(registration.slot)].descriptor, &event)
    }

    /// Watches a descriptor no more; to be called before it is closed.
    mutating func remove(_ registration: Registration, epoll: Int32) {
        guard handler(of: registration.token) != nil else { return }
        let index = Int(registration.slot)
        epoll_ctl(epoll, EPOLL_CTL_DEL, slots[index].descriptor, nil)
        slots[index] = Slot(generation: slots[index].generation &+ 1, descriptor: -1, handler: nil)
        free.append(registration.slot)
    }
}
