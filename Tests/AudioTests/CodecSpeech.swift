// Real speech for the codecs, how alike two sounds are, and Ogg pages around Opus packets.
import Foundation

@testable import Audio

/// A sentence of a speech synthesizer, at both rates of telephony.
enum CodecSpeech {
    static let at16k = speech(rate: 16_000)
    static let at8k = speech(rate: 8_000)

    static func at(_ rate: Int) -> [Int16] { rate == 8_000 ? at8k : at16k }

    private static func speech(rate: Int) -> [Int16] {
        let text = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background."
        let bytes = try? FFmpeg.run(
            [
                "-f", "lavfi", "-i", "flite=text='\(text)':voice=slt", "-ac", "1", "-ar", "\(rate)", "-f",
                "s16le", "-",
            ], input: [])
        return LinearPCM.samples(bytes ?? [])
    }
}

/// How much one sound is like another.
struct Likeness {
    /// Samples by which the second comes later.
    var lag = 0
    /// Normalized correlation at that lag, 1 for sounds of one shape.
    var correlation = 0.0
    /// Energy of the first over that of the difference, in decibels.
    var decibels = 0.0

    /// Compares `sound` with `original`, delayed by 0 to `most` samples.
    init(_ sound: [Int16], to original: [Int16], most: Int = 700) {
        var best = -1.0
        let span = min(16_000, original.count - most - 8_000, sound.count - most - 8_000)
        guard span > 0 else { return }
        sound.withUnsafeBufferPointer { sound in
            original.withUnsafeBufferPointer { original in
                for lag in 0...most {
                    var sum = 0.0
                    for index in 8_000..<8_000 + span {
                        sum += Double(original[index]) * Double(sound[index + lag])
                    }
                    if sum > best { (best, self.lag) = (sum, lag) }
                }
                var (product, first, second, noise) = (0.0, 0.0, 0.0, 0.0)
                for index in 0..<min(original.count, sound.count - lag) {
                    let (one, other) = (Double(original[index]), Double(sound[index + lag]))
                    product += one * other
                    first += one * one
                    second += other * other
                    noise += (one - other) * (one - other)
                }
                correlation = product / max(1, (first * second).squareRoot())
                decibels = 10 * log10(first / max(1e-9, noise))
            }
        }
    }
}

/// Ogg pages (RFC 3533) of one Opus stream (RFC 7845).
enum OggOpus {
    /// An Ogg file of `packets`, 20 ms each.
    static func wrap(_ packets: [[UInt8]], rate: Int) -> [UInt8] {
        var head = Array("OpusHead".utf8) + [1, 1, 0, 0]
        head += withUnsafeBytes(of: UInt32(rate).littleEndian) { Array($0) } + [0, 0, 0]
        let tags = Array("OpusTags".utf8) + [4, 0, 0, 0] + Array("test".utf8) + [0, 0, 0, 0]
        var file = page(head, number: 0, granule: 0, flags: 2) + page(tags, number: 1, granule: 0, flags: 0)
        for (index, packet) in packets.enumerated() {
            file += page(
                packet, number: index + 2, granule: Int64(index + 1) * 960,
                flags: index + 1 == packets.count ? 4 : 0)
        }
        return file
    }

    /// The sound packets of an Ogg file.
    static func packets(_ file: [UInt8]) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        var open: [UInt8] = []
        var at = 0
        while at + 27 <= file.count, file[at..<at + 4].elementsEqual("OggS".utf8) {
            let segments = Int(file[at + 26])
            var data = at + 27 + segments
            for size in file[at + 27..<at + 27 + segments] {
                open += file[data..<data + Int(size)]
                data += Int(size)
                guard size < 255 else { continue }
                packets.append(open)
                open = []
            }
            at = data
        }
        return Array(packets.dropFirst(2))
    }

    private static func page(_ packet: [UInt8], number: Int, granule: Int64, flags: UInt8) -> [UInt8] {
        var page = Array("OggS".utf8) + [0, flags]
        page += withUnsafeBytes(of: granule.littleEndian) { Array($0) } + [1, 0, 0, 0]
        page += withUnsafeBytes(of: UInt32(number).littleEndian) { Array($0) } + [0, 0, 0, 0]
        page += [UInt8(packet.count / 255 + 1)] + [UInt8](repeating: 255, count: packet.count / 255)
        page += [UInt8(packet.count % 255)] + packet
        // CRC-32 with polynomial 0x04C11DB7, not reflected (RFC 3533 §6).
        var crc: UInt32 = 0
        for byte in page {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
        }
        for index in 0..<4 { page[22 + index] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * index)) }
        return page
    }
}
