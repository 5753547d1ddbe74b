// Three hours of a call on a test clock, the carrier's crystal off by 100 ppm: nothing drifts.

import Agents
import Audio
import Calls
import Carriers
import Foundation
import Recording
import Routing
import Tape
import Telemetry
import Testing

/// What the machine of the long call sends.
private struct LongCallHands: CallActions {
    var toCarrier: [[UInt8]] = []
    var hasEnded = false
    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool) { toCarrier.append(message) }
    mutating func sendToAgent(_ message: [UInt8], urgent: Bool) {}
    mutating func admit(_ start: StreamStart) -> StreamAdmission { .admitted(start, CallPlan()) }
    mutating func speak(_ text: String, format: AudioFormat, number: Int64) {}
    mutating func stopSpeaking() {}
    mutating func openAgent() {}
    mutating func closeAgent() {}
    mutating func closeCarrier(code: UInt16) {}
    mutating func callStarted(_ start: StreamStart, header: TapeHeader) {}
    mutating func conversationOpened(_ conversationID: String) {}
    mutating func callEnded(_ end: CallEnd) { hasEnded = true }
}

/// A carrier with an exact playout buffer and an agent, both driven by frame numbers.
private struct LongCall {
    static let frame: Int64 = 160
    let frames: Int64
    /// Frames at which the caller's tone begins, and those at which the agent speaks.
    let callerTones: [Int64]
    let agentTurns: [Int64]
    /// Where the agent's sound was heard, in samples of the carrier's clock.
    var heardAt: [Int64] = []

    /// 400 Hz as loud as μ-law goes: 0x00 and 0x80 are its extremes (ITU-T G.711).
    static func tone(_ samples: Int) -> [UInt8] { (0..<samples).map { $0 / 10 % 2 == 0 ? 0x00 : 0x80 } }

    /// Plays the call into a tape file.
    mutating func write(to path: String) throws {
        let handle = try #require(fopen(path, "w"))
        defer { fclose(handle) }
        func put(_ bytes: [UInt8]) { fwrite(bytes, 1, bytes.count, handle) }
        put(TapeLayout.magic)
        var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        var peer = CarrierPeer(
            start: StreamStart(
                carrier: .twilio, streamID: "MZ1", callID: "CA1", accountID: "AC1", inbound: .pcmu8k,
                outbound: .pcmu8k))
        let agent = AgentPeer()
        var rules = CallRules()
        rules.maxMilliseconds = 24 * 3_600_000
        var machine = CallMachine(
            carrier: .twilio, identity: CallIdentity(callID: "long", startedAt: 0, seed: 1), rules: rules,
            at: now)
        var hands = LongCallHands()
        var message: [UInt8] = []
        func say(_ write: (inout [UInt8]) -> Void) {
            message.removeAll(keepingCapacity: true)
            write(&message)
        }
        say { peer.encodeStart(into: &$0) }
        message.withUnsafeBytes { machine.carrierMessage($0, at: now, &hands) }
        machine.agentOpened(at: now, &hands)
        say { agent.encodeMetadata(conversationID: "conv", output: .pcmu8k, input: .pcmu8k, into: &$0) }
        message.withUnsafeBytes { machine.agentMessage($0, at: now, &hands) }

        let silence = [UInt8](repeating: 0xFF, count: Int(Self.frame))
        let tone = Self.tone(Int(Self.frame))
        var queueEnd: Int64 = 0
        var pending: [(at: Int64, name: String)] = []
        var random: UInt64 = 9
        for number in 0..<frames {
            let end = (number + 1) * Self.frame
            // 100 ppm slow against ours, and up to 10 ms late on its way: never out of order.
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let jitter = Int64(random >> 33) % 10_000_000
            now = MonotonicTime(
                nanoseconds: 1_000_000_000_000 + end * 125_000 + end * 125_000 / 10_000 + jitter)
            while let first = pending.first, first.at <= end {
                pending.removeFirst()
                say { peer.encodeMark(first.name, into: &$0) }
                message.withUnsafeBytes { machine.carrierMessage($0, at: now, &hands) }
            }
            let speaks = callerTones.contains { number >= $0 && number < $0 + 10 }
            say { output in
                (speaks ? tone : silence).withUnsafeBytes {
                    peer.encodeMedia($0, chunk: number + 1, timestamp: number * 20, into: &output)
                }
            }
            message.withUnsafeBytes { machine.carrierMessage($0, at: now, &hands) }
            if agentTurns.contains(number) {
                say { output in
                    Self.tone(1600).withUnsafeBytes {
                        agent.encodeAudio($0, eventID: number, into: &output)
                    }
                }
                message.withUnsafeBytes { machine.agentMessage($0, at: now, &hands) }
            }
            machine.tick(at: now, &hands)
            for command in hands.toCarrier {
                switch command.withUnsafeBytes({ peer.decodeCommand($0) }) {
                case .media:
                    let start = max(queueEnd, end)
                    if queueEnd < end { heardAt.append(start) }
                    queueEnd = start + Int64(peer.payload.count)
                case .mark(let name): pending.append((max(queueEnd, end), name))
                case .clear, .refused:
                    Issue.record("the carrier was told something else than sound and marks")
                }
            }
            hands.toCarrier.removeAll(keepingCapacity: true)
            if number % 500 == 0 { put(machine.takeTape()) }
        }
        say { peer.encodeStop(into: &$0) }
        message.withUnsafeBytes { machine.carrierMessage($0, at: now, &hands) }
        put(machine.takeTape())
        #expect(hands.hasEnded)
    }
}

@Suite struct LongCallTests {
    @Test func threeHoursDoNotDrift() throws {
        let folder = NSTemporaryDirectory() + "teeline-long-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            unlink(folder + "/tape"); unlink(folder + "/call.mp3"); unlink(folder + "/raw"); rmdir(folder)
        }
        let perHour: Int64 = 180_000
        var call = LongCall(
            frames: 3 * perHour, callerTones: (0..<6).map { $0 * perHour / 2 + 500 } + [3 * perHour - 100],
            agentTurns: (0..<6).map { $0 * perHour / 2 + 1_000 } + [3 * perHour - 300])
        try call.write(to: folder + "/tape")
        let renderer = CallRenderer(
            tapePath: folder + "/tape", outputPath: folder + "/call.mp3", settings: RenderSettings(quality: 9)
        )
        let result = try renderer.finish()
        // 540,000 frames of 160 samples.
        #expect(result.call.samples == 86_400_000)
        #expect(result.call.missing.isEmpty)
        #expect(result.mp3?.samples == 86_400_000)
        #expect(try StereoDecoding.mpg123Samples(folder + "/call.mp3") == 86_400_000)
        let sound = try #require(try StereoDecoding.ffmpeg([folder + "/call.mp3"], folder: folder).first)
        #expect(sound.left.count == 86_400_000)
        // The caller's tones stand where they were sent, to the last: MP3 smears an edge by less than its frame.
        for frame in call.callerTones {
            let onset = try #require(Self.onset(sound.left, near: frame * 160))
            #expect(abs(onset - frame * 160) <= 160, "caller at \(frame / 50) s")
        }
        // The agent's where they were heard.
        #expect(call.heardAt.count == call.agentTurns.count)
        for heard in call.heardAt {
            let onset = try #require(Self.onset(sound.right, near: heard))
            #expect(abs(onset - heard) <= 160, "agent at \(heard / 8000) s")
        }
    }

    /// The first loud sample within half a second of `position`.
    private static func onset(_ samples: [Int16], near position: Int64) -> Int64? {
        let from = max(0, Int(position) - 4000)
        let to = min(samples.count, Int(position) + 4000)
        return (from..<to).first { abs(Int32(samples[$0])) > 10_000 }.map(Int64.init)
    }
}
