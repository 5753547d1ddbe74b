// Has texts spoken: from the cache, from a request under way, or from the service, again if it must be.

import Agents
import Audio
import Net
import Telemetry

/// Has texts spoken by ElevenLabs. The same text asked for twice at once is one request.
public final class SpeechSynthesizer: @unchecked Sendable {
    // `lock` guards `flows` and `isClosed`; all else is constant.
    let service: SpeechService
    private let cache: SpeechCache?
    private let observer: (any SpeechObserver)?
    private let pause: @Sendable (_ milliseconds: Int64) async -> Void
    let client: HTTPClient
    let sockets: SpeechSocketLine
    private let lock = Lock()
    private var flows: [SpeechKey: SpeechFlow] = [:]
    private var isClosed = false

    /// A synthesizer that asks `service` for what is not in `cache`. `pause` waits between requests; it returns
    /// early when its task is cancelled.
    public init(
        _ service: SpeechService, cache: SpeechCache? = nil, observer: (any SpeechObserver)? = nil,
        pause: (@Sendable (_ milliseconds: Int64) async -> Void)? = nil
    ) {
        self.service = service
        self.cache = cache
        self.observer = observer
        // A sleep that is cut short is a cancelled task, which is looked at after every pause.
        self.pause = pause ?? { try? await Task.sleep(nanoseconds: UInt64(clamping: $0) &* 1_000_000) }
        client = HTTPClient(connectionsPerHost: service.connections)
        sockets = SpeechSocketLine(connections: service.connections)
    }

    // Not in `close`: a task on its way to the client must not find it closed.
    deinit {
        client.close()
        sockets.close()
    }

    /// Ends every job with `cancelled`. Nothing is spoken after it; the connections end with the synthesizer's life.
    public func close() {
        let left = lock.withLock { () -> [SpeechFlow] in
            isClosed = true
            return Array(flows.values)
        }
        for flow in left { flow.cancel() }
    }

    /// Has `text` spoken. Returns at once; the caller may be a media loop.
    ///
    /// `onSound` gets whole samples of `format` as they come, as fast as they come; then `onEnd` is called, once.
    /// Both are called one after the other on a queue of the job's own (a thread of Dispatch's), never on the
    /// caller's thread, and may wait without holding up another job. Where the sound breaks off, the text is asked for again
    /// and goes on behind what was handed on. A failure may come after some sound: then the text is not whole.
    @discardableResult
    public func speak(
        _ text: String, voice: SpeechVoice, format: AudioFormat,
        onSound: @escaping @Sendable ([UInt8]) -> Void,
        onEnd: @escaping @Sendable (Result<SpeechReport, SpeechFailure>) -> Void
    ) -> SpeechJob {
        let request = SpeechRequest(text: text, voice: voice, format: format)
        func listener(isFirst: Bool) -> SpeechListener {
            SpeechListener(
                characters: request.characterCount, isFirst: isFirst, observer: observer, onSound: onSound,
                onEnd: onEnd)
        }
        if let defect = request.defect {
            listener(isFirst: true).finish(SpeechEnd(failure: defect))
            return SpeechJob {}
        }
        let key = SpeechKey(request)
        let job = lock.withLock { () -> (listener: SpeechListener, flow: SpeechFlow?, isNew: Bool) in
            guard !isClosed else { return (listener(isFirst: true), nil, false) }
            if let flow = flows[key] {
                let second = listener(isFirst: false)
                if flow.join(second) { return (second, flow, false) }
            }
            let (first, flow) = (listener(isFirst: true), SpeechFlow(request, key: key))
            _ = flow.join(first)
            flows[key] = flow
            return (first, flow, true)
        }
        guard let flow = job.flow else {
            job.listener.cancel()
            return SpeechJob {}
        }
        if job.isNew { flow.isMade(by: Task { [self] in await make(flow) }) }
        let who = job.listener
        return SpeechJob {
            who.cancel()
            flow.leave(who)
        }
    }

    // MARK: The flow's task

    private func make(_ flow: SpeechFlow) async {
        var (end, key) = (SpeechEnd(), flow.key)
        var unbroken: [UInt8]?
        end.failure = await fill(flow, &end, &key, &unbroken)
        let sound = flow.finish(end)
        // Those who ask while it is written are served by the flow still.
        if end.failure == nil, !end.isFromCache { await cache?.store(key, unbroken ?? sound) }
        lock.withLock { if flows[flow.key] === flow { flows[flow.key] = nil } }
    }

    /// Fills `flow` from the cache or the service; nil when all of it came. `unbroken` is the sound as one answer had it, where
    /// what was handed on is pieced together from several.
    private func fill(
        _ flow: SpeechFlow, _ end: inout SpeechEnd, _ key: inout SpeechKey, _ unbroken: inout [UInt8]?
    ) async -> SpeechFailure? {
        let deadline = MonotonicTime.now.adding(milliseconds: service.wholeMilliseconds)
        var request = flow.request
        var isNewVoice = true
        while true {
            if isNewVoice, let sound = await cache?.read(key) {
                flow.take(sound)
                end.isFromCache = true
                return nil
            }
            isNewVoice = false
            end.attempts += 1
            let gate = SpeechGate(flow)
            if flow.soundBytes > 0 { end.resumptions += 1 }
            guard let failure = await ask(request, gate, until: deadline) else {
                unbroken = gate.ownSound
                return nil
            }
            if Task.isCancelled { return SpeechFailure(.cancelled) }
            // Too much sound, or half a sample at its very end: it did not break off, and another would be the same.
            if gate.hadSound, failure.kind == .badAudio { return failure }
            // Another voice cannot go on where this one broke off.
            if flow.soundBytes == 0, failure.kind == .voiceNotFound, !end.usedFallbackVoice,
                let fallback = service.fallbackVoiceID, fallback != request.voice.voiceID
            {
                end.usedFallbackVoice = true
                request.voice.voiceID = fallback
                key = SpeechKey(request)
                isNewVoice = true
                continue
            }
            let wait = waiting(after: failure, attempt: end.attempts - (end.usedFallbackVoice ? 1 : 0))
            guard let wait, MonotonicTime.now.adding(milliseconds: wait) < deadline else { return failure }
            await pause(wait)
            if Task.isCancelled { return SpeechFailure(.cancelled) }
        }
    }

    /// Milliseconds to wait before asking again after the `attempt`-th request; nil for not at all.
    private func waiting(after failure: SpeechFailure, attempt: Int) -> Int64? {
        guard failure.mayRetry, attempt < service.attempts else { return nil }
        let doubled = service.pauseMilliseconds << Int64(min(max(attempt - 1, 0), 16))
        let longest = service.longestPauseMilliseconds
        // At random, so that calls refused together do not come back together.
        let own = Int64(Double(min(doubled, longest)) * Double.random(in: 0.5...1))
        let asked = failure.retryAfterMilliseconds ?? 0
        return asked <= longest ? max(own, asked) : nil
    }
}
