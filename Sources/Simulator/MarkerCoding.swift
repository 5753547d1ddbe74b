// Latency markers in the bytes of a codec.

import Audio

/// Writes and finds markers in sound of one codec at 8 kHz.
struct MarkerCoding: Sendable {
    private let codec: AudioCodec
    /// Bytes of symbols 0…19, one or two each.
    private let alphabet: [UInt8]
    /// The symbol of each byte of a G.711 codec; empty for linear sound.
    private let symbols: [UInt8]

    private static let pcmu = MarkerCoding(.pcmu)
    private static let pcma = MarkerCoding(.pcma)
    private static let pcm16 = MarkerCoding(.pcm16)

    /// The coding for `format`; nil at rates other than 8 kHz, where resampling would smear a marker.
    static func of(_ format: AudioFormat) -> MarkerCoding? {
        guard format.rate == 8000 else { return nil }
        switch format.codec {
        case .pcmu: return pcmu
        case .pcma: return pcma
        case .pcm16: return pcm16
        case .pcm16be, .pcm16auto, .g722, .opus, .amrwb: return nil
        }
    }

    private init(_ codec: AudioCodec) {
        self.codec = codec
        alphabet = SoundCoding.encoded(LatencyMarker.alphabet, codec: codec)
        symbols =
            codec == .pcm16
            ? []
            : SoundCoding.decoded(Array(0...255), codec: codec).map { LatencyMarker.symbol(of: $0) }
    }

    /// Writes `marker` over the first samples of `sound`, when it is long enough.
    func write(_ marker: LatencyMarker, into sound: inout [UInt8]) {
        let width = codec == .pcm16 ? 2 : 1
        guard sound.count >= LatencyMarker.samples * width else { return }
        marker.forEachSymbol { place, symbol in
            for byte in 0..<width { sound[place * width + byte] = alphabet[symbol * width + byte] }
        }
    }

    /// Takes the bytes of one message and calls `body` with each marker that ends in it.
    func read(_ sound: [UInt8], with reader: inout LatencyMarkerReader, body: (LatencyMarker) -> Void) {
        sound.withUnsafeBytes { bytes in
            if codec == .pcm16 {
                for index in stride(from: 0, to: bytes.count & ~1, by: 2) {
                    let sample = Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)
                    if let marker = reader.take(symbol: LatencyMarker.symbol(of: sample)) { body(marker) }
                }
            } else {
                symbols.withUnsafeBufferPointer { symbols in
                    for byte in bytes {
                        if let marker = reader.take(symbol: symbols[Int(byte)]) { body(marker) }
                    }
                }
            }
        }
    }
}
