// What a load run is: how many calls, of which dialects, where to, and how they talk.

import Audio

/// A share of the calls of a load run.
public struct LoadShare: Sendable {
    /// Its dialect.
    public var dialect: CarrierDialect
    /// The WebSocket address of the bridge for it.
    public var url: String
    /// Header fields of the upgrade.
    public var headers: [(String, String)]
    /// Its part of the calls, relative to the others.
    public var weight: Int

    /// A share with its address.
    public init(_ dialect: CarrierDialect, url: String, headers: [(String, String)] = [], weight: Int = 1) {
        self.dialect = dialect
        self.url = url
        self.headers = headers
        self.weight = weight
    }
}

/// A load run.
public struct LoadSettings: Sendable {
    /// The dialects and addresses.
    public var shares: [LoadShare]
    /// Number of calls.
    public var calls: Int
    /// Length of each call in seconds.
    public var seconds: Int
    /// Time over which the calls begin, in milliseconds.
    public var rampMilliseconds: Int
    /// Where the agent's server listens; the bridge's `ELEVENLABS_BASE_URL` points there.
    public var agent = AgentDoorSettings()
    /// The agent's formats.
    public var agentFormat = AudioFormat.pcmu8k
    /// Custom parameters of each call.
    public var parameters: [String: String] = [:]
    /// From which everything follows.
    public var seed: UInt64 = 1

    /// `calls` calls of `seconds` seconds over `shares`, begun within `rampMilliseconds`.
    public init(shares: [LoadShare], calls: Int, seconds: Int, rampMilliseconds: Int) {
        self.shares = shares
        self.calls = calls
        self.seconds = seconds
        self.rampMilliseconds = rampMilliseconds
    }

    /// The share of call `number`: by weight, spread evenly.
    func share(of number: Int) -> LoadShare? {
        let total = shares.reduce(0) { $0 + max($1.weight, 0) }
        guard total > 0 else { return nil }
        var place = number % total
        for share in shares {
            place -= max(share.weight, 0)
            if place < 0 { return share }
        }
        return nil
    }
}

/// How both sides of a load run talk: in 50 seconds the caller speaks five times four seconds (40 %), the fourth
/// time into the agent's words; the agent answers for five seconds each time (about 45 %).
enum LoadTalk {
    /// Begins of the caller's utterances in milliseconds; the fourth interrupts.
    static let utterances = [500, 10_500, 20_500, 27_500, 38_000]
    /// Length of each.
    static let utteranceMilliseconds = 4000
    /// Length of the pattern.
    static let patternMilliseconds = 50_000

    /// The utterances' sounds at `rate`, made once for all variants.
    static func voices(rate: Int) -> [SyntheticSound] {
        (0..<2).map {
            let speech = SyntheticSound.speech(seed: UInt64(100 + $0), hertz: 190, level: 9000)
            return .samples(speech.rendered(milliseconds: utteranceMilliseconds, rate: rate), rate: rate)
        }
    }

    /// The caller's script, turned by `variant` eighths of the pattern, so that calls do not talk in step.
    static func caller(variant: Int, voices: [SyntheticSound]) -> CallerScript {
        let turn = patternMilliseconds / 8 * (variant % 8)
        var parts: [CallerScript.Part] = []
        var position = 0
        let starts = utterances.map { ($0 + turn) % patternMilliseconds }.sorted()
        for (number, start) in starts.enumerated() {
            let begin = max(start, position)
            let end = min(begin + utteranceMilliseconds, patternMilliseconds)
            parts.append(.init(.silence, milliseconds: begin - position))
            if !voices.isEmpty {
                parts.append(.init(voices[number % voices.count], milliseconds: end - begin))
            }
            position = end
        }
        parts.append(.init(.silence, milliseconds: patternMilliseconds - position))
        return CallerScript(parts, repeats: true)
    }

    /// The agent's turns.
    static let turns = [
        AgentTurn(
            "Good day, how may I help you?", sound: .speech(seed: 31, hertz: 120, level: 9000),
            milliseconds: 3000, trigger: .afterPrevious(milliseconds: 0)),
        answer("Let me look that up for you, one moment please.", seed: 32),
        answer("I have found it; there are two dates to choose from.", seed: 33),
        answer("Very well, that is arranged. Is there anything else?", seed: 34),
    ]

    private static func answer(_ text: String, seed: UInt64) -> AgentTurn {
        AgentTurn(text, sound: .speech(seed: seed, hertz: 115, level: 9000), milliseconds: 5000)
    }
}
