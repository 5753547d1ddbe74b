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

    /// Whether some sound was handed on.
    var hasSound: Bool { lock.withLock { !sound.isEmpty } }

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
            guard end == nil else { return }
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

/// What stands between one HTTP answer and its flow: whole samples pass, and nothing after the answer's end.
final class SpeechGate: @unchecked Sendable {
    // `lock` guards all that varies.
    private let flow: SpeechFlow
    private let lock = Lock()
    private var isOpen = true
    private var isText = false
    private var oddByte: UInt8?

    init(_ flow: SpeechFlow) { self.flow = flow }

    /// An answer whose type is text is no sound, whatever its status says.
    func head(contentType: String?) {
        let type = contentType?.lowercased() ?? ""
        lock.withLock { isText = type.hasPrefix("text/") || type.hasPrefix("application/json") }
    }

    /// Hands whole samples on.
    func take(_ bytes: [UInt8]) {
        lock.withLock {
            guard isOpen, !isText else { return }
            var bytes = oddByte.map { [$0] + bytes } ?? bytes
            oddByte = bytes.count % flow.request.format.bytesPerSample == 0 ? nil : bytes.removeLast()
            flow.take(bytes)
        }
    }

    /// Closes for good; false when what came was no sound.
    func close() -> Bool {
        lock.withLock {
            isOpen = false
            return !isText && oddByte == nil && flow.hasSound
        }
    }
}
