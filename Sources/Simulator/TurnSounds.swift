// The sounds of an agent's turns, coded once and shared by all of its conversations.

import Audio

/// The turns of a script in the agent's output format.
struct TurnSounds: Sendable {
    private let sounds: [[UInt8]]
    private let lengths: [Int64]

    /// The sounds of `settings.turns`.
    init(_ settings: SimulatedAgentSettings) {
        sounds = settings.turns.map {
            SoundCoding.encoded(
                $0.sound.rendered(milliseconds: $0.milliseconds, rate: settings.output.rate),
                codec: settings.output.codec)
        }
        let rate = Int64(max(settings.output.rate, 1))
        lengths = sounds.map { Int64(settings.output.samples(inBytes: $0.count)) * 1_000_000 / rate }
    }

    /// The bytes of turn `turn`; empty when there is none.
    func bytes(of turn: Int) -> [UInt8] { sounds.indices.contains(turn) ? sounds[turn] : [] }

    /// How long turn `turn` takes, in microseconds.
    func microseconds(of turn: Int) -> Int64 { lengths.indices.contains(turn) ? lengths[turn] : 0 }
}
