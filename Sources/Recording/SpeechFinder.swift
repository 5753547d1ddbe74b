// Finds stretches of speech in the caller's channel, to give its transcript its times.

/// A plain energy detector over 20 ms blocks, with hangover. Deterministic, no floating point.
struct SpeechFinder {
    /// Stretches found, in order; the last may still grow.
    private(set) var stretches: [Interval] = []
    private let block: Int
    private var energy: Int64 = 0
    private var filled = 0
    private var position: Int64 = 0
    private var quiet: Int64 = 0
    private var isOpen = false
    private let hangover: Int64

    /// Mean square above which a block is speech: about -42 dB below full scale.
    static let threshold: Int64 = 68_000

    init(rate: Int) {
        block = max(1, rate / 50)
        // Pauses between words stay within a stretch.
        hangover = Int64(rate) * 3 / 10
    }

    mutating func feed(_ samples: ArraySlice<Int16>) {
        for sample in samples {
            energy += Int64(sample) * Int64(sample)
            filled += 1
            if filled == block { close() }
        }
    }

    private mutating func close() {
        let isSpeech = energy / Int64(block) >= Self.threshold
        let end = position + Int64(block)
        if isSpeech {
            if isOpen, quiet <= hangover {
                stretches[stretches.count - 1].length = end - stretches[stretches.count - 1].start
            } else {
                stretches.append(Interval(start: position, length: Int64(block)))
                isOpen = true
            }
            quiet = 0
        } else {
            quiet += Int64(block)
        }
        position = end
        energy = 0
        filled = 0
    }
}
