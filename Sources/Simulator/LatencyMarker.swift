// A time stamp hidden in the sound itself, so that latency is measured through any bridge that keeps 8 kHz.

import Audio

/// Who hid a marker, and when.
public struct LatencyMarker: Sendable, Hashable {
    /// What a marker stands at.
    public enum Kind: UInt8, Sendable {
        /// A frame of the caller.
        case caller = 1
        /// The first chunk of an agent's turn.
        case turn = 2
        /// A later chunk of an agent's turn.
        case chunk = 3
    }
    /// What it stands at.
    public var kind: Kind
    /// Number of the call, modulo 65,536.
    public var call: UInt16
    /// Number of the frame or chunk within the call, modulo 65,536.
    public var sequence: UInt16
    /// When it was sent: microseconds of the monotonic clock, modulo 2^48.
    public var microseconds: Int64

    /// A marker made of its parts.
    public init(kind: Kind, call: UInt16, sequence: UInt16, microseconds: Int64) {
        self.kind = kind
        self.call = call
        self.sequence = sequence
        self.microseconds = microseconds & 0xFFFF_FFFF_FFFF
    }

    /// Samples a marker takes: four that announce it, 21 nibbles, one check nibble.
    public static let samples = 26

    /// Symbol `symbol` as a level of the μ-law table (G.711: 0 quietest, 127 loudest). Nibbles 0…15 are positive
    /// samples, the announcing symbols 16…19 negative ones. Four levels lie between neighbours, so that
    /// a symbol survives the way through A-law, which moves it by one level at most.
    private static func level(_ symbol: Int) -> (negative: Bool, index: Int) {
        symbol < 16 ? (false, 8 + 4 * symbol) : (true, announcing[(symbol - 16) & 3])
    }
    private static let announcing = [24, 48, 36, 60]

    /// The samples of symbols 0…19.
    static let alphabet: [Int16] = (0..<20).map { symbol in
        let level = level(symbol)
        // Bits of a μ-law code are sent inverted; the sign bit is then 1 for positive samples.
        return G711.decode(~UInt8(level.index | (level.negative ? 128 : 0)), .mu)
    }

    /// The symbol whose level is nearest to `sample`, or 255 when none is near.
    static func symbol(of sample: Int16) -> UInt8 {
        let index = Int(~G711.encode(sample, .mu) & 127)
        if sample >= 0 {
            return index >= 6 && index < 70 ? UInt8((index - 6) / 4) : 255
        }
        for (number, announced) in announcing.enumerated() where abs(index - announced) <= 1 {
            return UInt8(16 + number)
        }
        return 255
    }

    /// Calls `body` with each symbol of the marker in order.
    func forEachSymbol(_ body: (_ place: Int, _ symbol: Int) -> Void) {
        for place in 0..<4 { body(place, 16 + place) }
        var check = 0
        var place = 4
        func put(_ value: UInt64, nibbles: Int) {
            for nibble in stride(from: nibbles - 1, through: 0, by: -1) {
                let symbol = Int(value >> UInt64(nibble * 4) & 15)
                check ^= symbol
                body(place, symbol)
                place += 1
            }
        }
        put(UInt64(kind.rawValue), nibbles: 1)
        put(UInt64(call), nibbles: 4)
        put(UInt64(sequence), nibbles: 4)
        put(UInt64(bitPattern: microseconds), nibbles: 12)
        body(place, check ^ 15)
    }
}

/// Finds markers in a stream of sound, however it is cut into messages.
public struct LatencyMarkerReader: Sendable {
    private var place = 0
    private var value: (head: UInt64, time: UInt64) = (0, 0)
    private var check: UInt8 = 0

    /// A reader at the start of a stream.
    public init() {}

    /// Takes the symbol of one more sample; returns the marker that ends with it, if one does.
    mutating func take(symbol: UInt8) -> LatencyMarker? {
        if place < 4 {
            place = symbol == UInt8(16 + place) ? place + 1 : (symbol == 16 ? 1 : 0)
            if place == 4 { (value, check) = ((0, 0), 0) }
            return nil
        }
        guard symbol < 16 else {
            place = symbol == 16 ? 1 : 0
            return nil
        }
        if place < 13 {
            value.head = value.head << 4 | UInt64(symbol)
        } else if place < 25 {
            value.time = value.time << 4 | UInt64(symbol)
        } else {
            place = 0
            guard check ^ 15 == symbol, let kind = LatencyMarker.Kind(rawValue: UInt8(value.head >> 32 & 15))
            else { return nil }
            return LatencyMarker(
                kind: kind, call: UInt16(truncatingIfNeeded: value.head >> 16),
                sequence: UInt16(truncatingIfNeeded: value.head), microseconds: Int64(value.time))
        }
        check ^= symbol
        place += 1
        return nil
    }
}
