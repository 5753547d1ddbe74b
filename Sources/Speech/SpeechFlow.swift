// The sound of one text on its way to all who asked for it at the same time.

import Agents
import Telemetry

/// A sound that is being made, and who wants it.
final class SpeechFlow: @unchecked Sendable {
    // `lock` guards all that varies.
    let key: SpeechKey
    let request: SpeechRequest
    private let lock = Lock()
    private var sound: [UInt8] = []
    private var listeners: [SpeechListener] = []
    private var end: SpeechEnd?
    private var isAbandoned = false
    private var work: Task<Void, Never>?

    init(_ request: SpeechRequest, key: SpeechKey) { (self.request, self.key) = (request, key) }

    /// Bytes of sound that were handed on.
    var soundBytes: Int { lock.withLock { sound.count } }

    /// Tells the flow who makes it, to be cancelled when nobody listens.
    func isMade(by work: Task<Void, Never>) {
        let isLate = lock.withLock { () -> Bool in
            self.work = work
            return isAbandoned
        }
        if isLate { work.cancel() }
    }

    /// Lets `listener` have all sound, from its beginning; false when the flow was given up.
    func join(_ listener: SpeechListener) -> Bool {
        lock.withLock {
            guard !isAbandoned else { return false }
            listener.take(sound)
            if let end { listener.finish(end) } else { listeners.append(listener) }
            return true
        }
    }

    /// Forgets `listener`; with the last one the flow is given up.
    func leave(_ listener: SpeechListener) {
        let work = lock.withLock { () -> Task<Void, Never>? in
            listeners.removeAll { $0 === listener }
            guard listeners.isEmpty, end == nil else { return nil }
            isAbandoned = true
            return self.work
        }
        work?.cancel()
    }

    /// Hands `bytes` on to all.
    func take(_ bytes: [UInt8]) {
        lock.withLock {
            guard end == nil, !bytes.isEmpty else { return }
            sound += bytes
            for listener in listeners { listener.take(bytes) }
        }
    }

    /// Tells all the end; gives the whole sound.
    func finish(_ end: SpeechEnd) -> [UInt8] {
        lock.withLock {
            self.end = end
            for listener in listeners { listener.finish(end) }
            listeners = []
            return sound
        }
    }

    /// Ends it for all, as cancelled.
    func cancel() {
        let (work, left) = lock.withLock { () -> (Task<Void, Never>?, [SpeechListener]) in
            isAbandoned = true
            defer { listeners = [] }
            return (self.work, listeners)
        }
        for listener in left { listener.cancel() }
        work?.cancel()
    }
}
