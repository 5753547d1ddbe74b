// One who asked for a text to be spoken: what he is told, in order and on a queue of his own.

import Agents
import Dispatch
import Telemetry

/// What a flow tells all its listeners at its end.
struct SpeechEnd: Sendable {
    var failure: SpeechFailure?
    var isFromCache = false
    var usedFallbackVoice = false
    var attempts = 0
    var resumptions = 0
}

/// One who asked.
final class SpeechListener: @unchecked Sendable {
    // `lock` guards `isOver` and `isCancelled`; `report` is touched on `queue` only; all else is constant.
    private let lock = Lock()
    private let queue = DispatchQueue(label: "teeline.speech.job")
    private let onSound: @Sendable ([UInt8]) -> Void
    private let onEnd: @Sendable (Result<SpeechReport, SpeechFailure>) -> Void
    private let observer: (any SpeechObserver)?
    private let start = MonotonicTime.now
    private let isFirst: Bool
    private var report: SpeechReport
    private var isOver = false
    private var isCancelled = false

    init(
        characters: Int, isFirst: Bool, observer: (any SpeechObserver)?,
        onSound: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (Result<SpeechReport, SpeechFailure>) -> Void
    ) {
        self.isFirst = isFirst
        self.observer = observer
        self.onSound = onSound
        self.onEnd = onEnd
        report = SpeechReport(source: isFirst ? .service : .shared, characters: characters)
    }

    /// Hands `bytes` on.
    func take(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        queue.async { [self] in
            guard !lock.withLock({ isCancelled }) else { return }
            if report.firstSoundMilliseconds == nil {
                report.firstSoundMilliseconds = MonotonicTime.now.milliseconds(since: start)
            }
            report.soundBytes += bytes.count
            onSound(bytes)
        }
    }

    /// Tells the end, once: later ends are not told.
    func finish(_ end: SpeechEnd) {
        guard lock.withLock({ claim() }) else { return }
        tell(end)
    }

    /// Ends it as cancelled, unless it has ended; what is not handed on yet will not be.
    func cancel() {
        let isFirstEnd = lock.withLock { () -> Bool in
            isCancelled = true
            return claim()
        }
        if isFirstEnd { tell(SpeechEnd(failure: SpeechFailure(.cancelled))) }
    }

    private func claim() -> Bool {
        defer { isOver = true }
        return !isOver
    }

    private func tell(_ end: SpeechEnd) {
        queue.async { [self] in
            report.totalMilliseconds = MonotonicTime.now.milliseconds(since: start)
            report.usedFallbackVoice = end.usedFallbackVoice
            report.attempts = isFirst ? end.attempts : 0
            report.resumptions = isFirst ? end.resumptions : 0
            if isFirst, end.isFromCache { report.source = .cache }
            observer?.speechDidEnd(report, failure: end.failure)
            if let failure = end.failure { onEnd(.failure(failure)) } else { onEnd(.success(report)) }
        }
    }
}

/// A text that is being spoken.
public struct SpeechJob: Sendable {
    private let end: @Sendable () -> Void

    init(_ end: @escaping @Sendable () -> Void) { self.end = end }

    /// Ends it: no sound is handed on after the call that may be running, and `onEnd` comes with `cancelled` unless
    /// the end was told before. The request goes on while others want the same text.
    public func cancel() { end() }
}
