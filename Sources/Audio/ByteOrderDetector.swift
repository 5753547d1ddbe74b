// Which byte order 16-bit sound comes in: Telnyx's L16, of which the sources disagree.

/// Finds the byte order of linear sound from the sound itself, once for a stream.
///
/// Read in the wrong order sound looks like white noise, whose neighbouring samples differ by more than their
/// magnitude; speech changes far less from sample to sample than it is loud. Quiet sound, within ±127, keeps its shape
/// in the wrong order and only gets 256 times louder: there the change itself tells. A fixed function of the payloads in
/// their order, so reading a tape again decides the same at the same place.
struct ByteOrderDetector: Sendable {
    /// The order found; nil until the sound has told.
    private(set) var isBigEndian: Bool?
    private var little = Statistics()
    private var big = Statistics()
    private var samples = 0

    private struct Statistics: Sendable {
        var magnitude = 0
        var change = 0
        var last = 0
        var isPositive = false
        var isNegative = false

        mutating func take(_ sample: Int16) {
            let value = Int(sample)
            magnitude += abs(value)
            change += abs(value - last)
            last = value
            isPositive = isPositive || value > 0
            isNegative = isNegative || value < 0
        }

        mutating func fade() {
            magnitude /= 2
            change /= 2
        }
    }

    /// Least sounding samples before it decides: 20 ms at 8 kHz, so that the first frame with a sound decides and is
    /// itself read right.
    static let least = 160
    /// After so many without a decision what was seen counts half: 1 s at 16 kHz.
    static let span = 16_000

    /// Looks at the next payload; frames of zeros tell nothing.
    mutating func look(at payload: UnsafeRawBufferPointer) {
        guard isBigEndian == nil, payload.contains(where: { $0 != 0 }) else { return }
        for index in 0..<payload.count / 2 {
            let raw = payload.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
            little.take(Int16(bitPattern: UInt16(littleEndian: raw)))
            big.take(Int16(bitPattern: UInt16(bigEndian: raw)))
        }
        samples += payload.count / 2
        guard samples >= Self.least else { return }
        if Self.isSmoother(little, than: big) {
            isBigEndian = false
        } else if Self.isSmoother(big, than: little) {
            isBigEndian = true
        } else if samples >= Self.span {
            samples = Self.least
            little.fade()
            big.fade()
        }
    }

    /// Whether one has less than half of the other's change and is not much rougher for its loudness. Sound has both
    /// signs; 8-bit sound that was made 256 times louder has none of them in the wrong order.
    private static func isSmoother(_ one: Statistics, than other: Statistics) -> Bool {
        2 * one.change < other.change && one.isPositive && one.isNegative
            && Double(one.change) * Double(other.magnitude)
                < 2 * Double(other.change) * Double(one.magnitude)
    }
}
