// What the simulated caller says and keys, on the call's clock.

import Audio

/// The caller's side of a call: sounds in a row, and keys at positions.
public struct CallerScript: Sendable, Hashable {
    /// A sound and how long it lasts.
    public struct Part: Sendable, Hashable {
        /// The sound.
        public var sound: SyntheticSound
        /// Its length in milliseconds.
        public var milliseconds: Int

        /// `milliseconds` of `sound`.
        public init(_ sound: SyntheticSound, milliseconds: Int) {
            self.sound = sound
            self.milliseconds = milliseconds
        }
    }
    /// A key and when it is pressed.
    public struct Key: Sendable, Hashable {
        /// One of 0–9, *, #, A–D.
        public var digit: Character
        /// When, in milliseconds on the call's clock.
        public var milliseconds: Int

        /// Key `digit` at `milliseconds`.
        public init(_ digit: Character, atMilliseconds milliseconds: Int) {
            self.digit = digit
            self.milliseconds = milliseconds
        }
    }

    /// The sounds in order, from position 0.
    public var parts: [Part]
    /// The keys, in order of time.
    public var keys: [Key]
    /// Whether the sounds start again at their end; otherwise silence follows.
    public var repeats: Bool

    /// A script of `parts` and `keys`.
    public init(_ parts: [Part] = [], keys: [Key] = [], repeats: Bool = false) {
        self.parts = parts
        self.keys = keys.sorted { $0.milliseconds < $1.milliseconds }
        self.repeats = repeats
    }

    /// Length of the sounds in milliseconds.
    public var milliseconds: Int { parts.reduce(0) { $0 + $1.milliseconds } }

    /// The sounds as samples and as bytes of `format`.
    public func rendered(_ format: AudioFormat) -> CallerSound {
        var samples: [Int16] = []
        for part in parts {
            samples += part.sound.rendered(milliseconds: part.milliseconds, rate: format.rate)
        }
        return CallerSound(samples: samples, format: format, repeats: repeats)
    }
}

/// The caller's sound, coded once and shared by all calls that play it.
public struct CallerSound: Sendable {
    /// Codec and rate.
    public let format: AudioFormat
    /// The bytes in `format`.
    public let bytes: [UInt8]
    /// Whether it starts again at its end.
    public let repeats: Bool
    /// 20 ms of silence in a codec with memory, as it sounds after some.
    let silence: [UInt8]

    /// `samples` coded in `format`.
    public init(samples: [Int16], format: AudioFormat, repeats: Bool = false) {
        self.format = format
        self.repeats = repeats
        let coded = SoundCoding.encoded(samples, format)
        bytes = coded
        guard !format.codec.isMemoryless else {
            silence = []
            return
        }
        let quiet = [Int16](repeating: 0, count: format.rate / 5)
        silence = SoundCoding.encoded(quiet, format).suffix(format.bytes(inMilliseconds: 20))
    }

    /// Writes frames of 20 ms of a codec with memory over `frame`.
    private func fillFrames(_ frame: inout [UInt8], from position: Int64, count: Int) {
        let size = format.bytes(inMilliseconds: 20)
        let samples = format.frameSamples
        guard size > 0, samples > 0 else { return }
        let last = bytes.count / size
        for piece in 0..<count / samples {
            var index = Int(position) / samples + piece
            if repeats, last > 0 { index %= last }
            if index >= 0, index < last {
                frame.append(contentsOf: bytes[index * size..<(index + 1) * size])
            } else {
                frame.append(contentsOf: silence)
            }
        }
    }

    /// Whether `frame` is silence as this caller sends it.
    func isSilence(_ frame: [UInt8]) -> Bool {
        format.codec.isMemoryless ? frame.allSatisfy { $0 == format.silenceByte } : frame == silence
    }

    /// Writes the frame of `count` samples from position `position` over `frame`.
    func fill(_ frame: inout [UInt8], from position: Int64, count: Int) {
        frame.removeAll(keepingCapacity: true)
        guard format.codec.isMemoryless else { return fillFrames(&frame, from: position, count: count) }
        let width = format.bytesPerSample
        var wanted = count * width
        guard !bytes.isEmpty, position >= 0 else {
            frame.append(contentsOf: repeatElement(format.silenceByte, count: wanted))
            return
        }
        let (start, overflow) = position.multipliedReportingOverflow(by: Int64(width))
        var offset = overflow ? bytes.count : Int(start)
        while wanted > 0 {
            if repeats { offset %= bytes.count }
            guard offset < bytes.count else { break }
            let piece = min(wanted, bytes.count - offset)
            frame.append(contentsOf: bytes[offset..<offset + piece])
            offset += piece
            wanted -= piece
        }
        frame.append(contentsOf: repeatElement(format.silenceByte, count: wanted))
    }
}
