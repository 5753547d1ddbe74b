// A call in Telnyx's packet codecs: one packet a message, whole packets dropped, malformed ones counted.

import Agents
import Audio
import Calls
import Carriers
import Telemetry
import Testing

extension Stage {
    /// Payloads of the media messages to the carrier.
    func payloads() -> [[UInt8]] {
        var peer = carrier
        return hands.toCarrier.compactMap { sent in
            guard case .media = sent.message.withUnsafeBytes({ peer.decodeCommand($0) }) else { return nil }
            return peer.payload
        }
    }

    /// The agent says `sound`, 16-bit at 16 kHz.
    mutating func say(_ sound: [Int16], turn: Int64 = 1) {
        let bytes = LinearPCM.bytes(sound)
        agent { peer, output in
            bytes.withUnsafeBytes { peer.encodeAudio($0, eventID: turn, into: &output) }
        }
    }

    /// The carrier sends `payload` as its next frame of 20 ms.
    mutating func send(_ payload: [UInt8]) {
        frames += 1
        let number = frames
        carrier { peer, output in
            payload.withUnsafeBytes {
                peer.encodeMedia($0, chunk: number, timestamp: (number - 1) * 20, into: &output)
            }
        }
    }

    /// Samples of the sound sent to the agent since `message`, 16-bit.
    func samplesToAgent(from message: Int) -> Int {
        var peer = AgentPeer()
        return hands.toAgent[message...].reduce(0) { sum, sent in
            guard case .userAudio = sent.message.withUnsafeBytes({ peer.decode($0) }) else { return sum }
            return sum + peer.payload.count / 2
        }
    }
}

@Suite struct CodecMachineTests {
    static let agent = AudioFormat(.pcm16, rate: 16_000)
    static let packets = [
        AudioFormat(.opus, rate: 8_000), AudioFormat(.opus, rate: 16_000), AudioFormat.amrwb,
    ]

    static func stage(_ inbound: AudioFormat, _ outbound: AudioFormat) -> Stage {
        var stage = Stage(.telnyx, inbound: inbound, outbound: outbound)
        stage.open(output: agent, input: agent)
        return stage
    }

    static func speech(_ count: Int) -> [Int16] {
        var source = SpeechLikeNoise(seed: 5, rate: 16_000)
        return source.next(count)
    }

    @Test(arguments: packets) func onePacketAMessage(format: AudioFormat) {
        var stage = Self.stage(.pcmu8k, format)
        let size = format.bytes(inMilliseconds: 20)
        // 7 packets and 50 samples.
        stage.say(Self.speech(7 * 320 + 50))
        #expect(stage.pieces() == [Int](repeating: size, count: 7))
        // Marks ahead of the first and after the last.
        #expect(
            stage.told() == [.mark(name: "p1")] + [CarrierCommand](repeating: .media, count: 7)
                + [.mark(name: "m2")])
        stage.pass(200, frames: true)
        #expect(stage.pieces() == [Int](repeating: size, count: 8))
        #expect(stage.told().last == .mark(name: "m3"))
        for payload in stage.payloads() {
            #expect(payload.withUnsafeBytes { format.measure($0) } == PayloadMeasure(format.rate / 50))
        }
    }

    /// G.722 goes out in whole frames of 160 bytes, the tail filled by the coder, not by bytes.
    @Test(arguments: [1, 319, 320, 3_200, 5_001]) func g722PiecesAreWholeFrames(samples: Int) {
        var stage = Self.stage(.g722, .g722)
        stage.say(Self.speech(samples))
        stage.pass(1_200)
        let pieces = stage.pieces()
        #expect(pieces.allSatisfy { $0 % 160 == 0 && $0 <= 1_600 })
        #expect(pieces.reduce(0, +) == (samples + 319) / 320 * 160)
    }

    /// 5 s lie with the carrier at most; an interruption drops all else and the coder begins anew.
    @Test(arguments: packets + [.g722]) func anInterruptionDropsWholePackets(format: AudioFormat) {
        var stage = Self.stage(.pcma8k, format)
        let sound = Self.speech(320 * 500 + 77)
        stage.say(sound)
        let first = stage.payloads()
        if format.codec.isPacketed { #expect((250...251).contains(first.count)) }
        stage.agent { $0.encodeInterruption(eventID: 2, into: &$1) }
        #expect(stage.told().last == .clear && stage.hands.toCarrier.last?.urgent == true)
        stage.pass(7_000, frames: true)
        #expect(stage.payloads().count == first.count, "what waited was dropped, the part of a packet too")
        stage.say(sound, turn: 3)
        #expect(Array(stage.payloads().dropFirst(first.count)) == first)
    }

    @Test(arguments: packets) func aMalformedPayloadIsSilence(format: AudioFormat) throws {
        var stage = Self.stage(format, .pcmu8k)
        var encoder = try SampleEncoder(format)
        let good = encoder.encode([Int16](repeating: 900, count: format.rate / 50))
        let bad: [UInt8] = format.codec == .opus ? [0x4B, 0] : [0xF1, 0x7A, 1]
        let before = stage.hands.toAgent.count
        for payload in [good, bad, good, good] {
            stage.pass(20)
            stage.send(payload)
        }
        #expect(stage.machine.namedCounts["bad_payloads"] == 1)
        #expect(stage.machine.namedCounts["frames_received"] == 4)
        #expect(stage.machine.clockSamples == Int64(4 * format.rate / 50))
        #expect(stage.samplesToAgent(from: before) == 4 * 320)
        #expect(stage.machine.rate == format.rate)
    }

    /// AMR-WB without data (DTX) lasts as long as any frame; a pause without messages is filled.
    @Test func framesWithoutDataLast20Milliseconds() {
        var stage = Self.stage(.amrwb, .amrwb)
        let before = stage.hands.toAgent.count
        for _ in 0..<5 {
            stage.pass(20)
            stage.send([0xF7, 0xC0])
        }
        #expect(stage.samplesToAgent(from: before) == 1_600)
        #expect(stage.machine.namedCounts["bad_payloads"] == 0)
        // 400 ms later by its timestamp: a pause, no loss.
        stage.frames += 1
        stage.now = stage.now.adding(milliseconds: 420)
        let chunk = stage.frames
        stage.carrier { peer, output in
            ([0xF7, 0xC0] as [UInt8]).withUnsafeBytes {
                peer.encodeMedia($0, chunk: chunk, timestamp: 500, into: &output)
            }
        }
        #expect(stage.machine.clockSamples == 520 * 16)
        #expect(stage.machine.namedCounts["frames_lost"] == 0)
        #expect(stage.samplesToAgent(from: before) == 520 * 16)
    }
}

extension PayloadMeasure {
    /// A good payload of `samples`.
    init(_ samples: Int) {
        self = [UInt8](repeating: 0, count: samples).withUnsafeBytes { AudioFormat.pcmu8k.measure($0) }
    }
}
