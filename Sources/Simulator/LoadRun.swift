// The engine of the load tool: many calls on one loop, with an agent of its own on the same loop.

import CLinux
import Glibc
import Net
import Telemetry

/// A load run against a bridge.
public enum LoadRun {
    /// Starts the agent, makes all calls, waits for their ends and tells what they amounted to.
    ///
    /// - Throws: `NetError` when the loop or the agent's server cannot start; failing calls are in the report.
    public static func run(_ settings: LoadSettings) async throws(NetError) -> LoadReport {
        raiseDescriptorLimit()
        let board = LatencyBoard()
        let loop = try EventLoop.start(name: "load")
        var behaviour = SimulatedAgentSettings(turns: LoadTalk.turns)
        behaviour.repeats = true
        behaviour.output = settings.agentFormat
        behaviour.input = settings.agentFormat
        behaviour.keepsSound = false
        behaviour.board = board
        behaviour.seed = settings.seed
        let agent: SimulatedAgent
        do {
            agent = try SimulatedAgent.start(behaviour, door: settings.agent, sharing: loop)
        } catch {
            loop.stop()
            throw error
        }
        let network = CarrierNetwork(sharing: loop)
        let cpu = cpuMicroseconds(CLOCK_PROCESS_CPUTIME_ID)
        let loopCPU = await loopMicroseconds(loop)
        let began = MonotonicTime.now
        let results = await makeCalls(settings, network: network, board: board)
        let conversations = await agent.allEnded(withinMilliseconds: 10_000)
        var report = LoadReport()
        report.seconds = Double(MonotonicTime.now.milliseconds(since: began)) / 1000
        report.cpuSeconds = Double(cpuMicroseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1_000_000
        report.loopSeconds = Double(await loopMicroseconds(loop) - loopCPU) / 1_000_000
        report.take(results)
        report.take(conversations)
        report.take(board.snapshot)
        agent.stop()
        network.stop()
        loop.stop()
        return report
    }

    private static func makeCalls(_ settings: LoadSettings, network: CarrierNetwork, board: LatencyBoard)
        async
        -> [SimulatedCallResult]
    {
        var sounds: [CarrierDialect: [CallerSound]] = [:]
        for share in settings.shares where sounds[share.dialect] == nil {
            let voices = LoadTalk.voices(rate: share.dialect.inbound.rate)
            sounds[share.dialect] = (0..<8).map {
                LoadTalk.caller(variant: $0, voices: voices).rendered(share.dialect.inbound)
            }
        }
        return await withTaskGroup(of: SimulatedCallResult.self) { group in
            for number in 0..<settings.calls {
                guard let share = settings.share(of: number), let variants = sounds[share.dialect] else {
                    continue
                }
                var call = SimulatedCallSettings(
                    url: share.url, dialect: share.dialect, sound: variants[number % variants.count],
                    ending: .hangUp(atMilliseconds: settings.seconds * 1000),
                    seed: settings.seed &+ UInt64(number))
                call.headers = share.headers
                call.parameters = settings.parameters
                call.keepsSound = false
                call.probe = CallProbe(call: UInt16(truncatingIfNeeded: number), board: board)
                let ready = call
                let wait = settings.rampMilliseconds * number / max(settings.calls, 1)
                group.addTask { await network.call(ready, afterMilliseconds: wait) }
            }
            var results: [SimulatedCallResult] = []
            for await result in group { results.append(result) }
            return results
        }
    }

    /// CPU time of `clock` (this process, or this thread), user and system.
    private static func cpuMicroseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// CPU time of the loop's thread: all the simulator does but opening sockets.
    private static func loopMicroseconds(_ loop: EventLoop) async -> Int64 {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: cpuMicroseconds(CLOCK_THREAD_CPUTIME_ID)) }
        }
    }

    /// Two sockets a call: the usual 1,024 descriptors are too few.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension LoadReport {
    /// Adds what the carriers saw.
    mutating func take(_ results: [SimulatedCallResult]) {
        calls = results.count
        for result in results {
            callSeconds += Double(result.samples) / Double(max(result.rate, 1))
            framesSent += result.counts.framesSent
            mediaReceived += result.playout.messages
            samplesReceived += result.playout.samplesReceived
            oddPieces += result.playout.oddPieces
            refusedMessages += result.counts.refusedMessages
            marks += result.playout.marks
            marksPlayed += result.playout.marksPlayed
            marksCleared += result.playout.marksCleared
            clears += result.playout.clears
            if let reason = Self.failure(of: result) {
                failed += 1
                errors[reason, default: 0] += 1
            } else {
                completed += 1
            }
        }
        firstSound = LatencySummary(microseconds: results.compactMap(\.firstSoundMicroseconds))
        lateness = LatencySummary(microseconds: results.map(\.counts.worstLateness))
    }

    private static func failure(of result: SimulatedCallResult) -> String? {
        switch result.end {
        case .asPlanned: result.firstSoundMicroseconds == nil ? "no sound heard" : nil
        case .server: "closed by the server with \(result.closeCode)"
        case .broken: "connection broke"
        case .neverOpened(let error): "never opened: \(FailureWords.text(error))"
        }
    }

    /// Adds what the agent saw.
    mutating func take(_ conversations: [SimulatedConversation]) {
        self.conversations = conversations.count
        for conversation in conversations {
            bytesArrived += conversation.callerBytes
            samplesSpoken += conversation.turns.reduce(0) { $0 + Int64($1.samplesSent) }
            pings += conversation.pings
            pongs += conversation.pongs.count
            closeCodes[conversation.closeCode.map(String.init) ?? "open", default: 0] += 1
        }
        pong = LatencySummary(microseconds: conversations.flatMap(\.pongs))
    }

    /// Adds what was measured.
    mutating func take(_ board: LatencyBoard.Contents) {
        framesArrived = board.framesArrived
        framesMissing = board.framesMissing
        interruptions = board.interruptions
        toAgent = LatencySummary(microseconds: board.toAgent)
        turnToCarrier = LatencySummary(microseconds: board.turnToCarrier)
        chunkToCarrier = LatencySummary(microseconds: board.chunkToCarrier)
        interruptionToClear = LatencySummary(microseconds: board.interruptionToClear)
    }
}
