// What the catastrophe tests judge with: hashes of files, sound of bytes, deterministic chance.

import Archive
import Audio
import Foundation

extension POSIXFiles {
    /// SHA-256 of the file at `path`.
    func digestOf(_ path: String) throws -> Digest {
        let descriptor = try open(path)
        let result = Result { () throws(ArchiveError) in try digest(descriptor) }
        try close(descriptor)
        return try result.get()
    }
}

/// Sound as samples, by ITU-T G.711's own formulas rather than by the code under test.
enum SoundOf {
    static func samples(_ bytes: [UInt8], _ format: AudioFormat) -> [Int16] {
        switch format.codec {
        case .pcmu: bytes.map(muLaw)
        case .pcma: bytes.map(aLaw)
        default:
            stride(from: 0, to: bytes.count - 1, by: 2).map {
                Int16(truncatingIfNeeded: Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8)
            }
        }
    }

    /// G.711, table 2a: inverted bits; 33 is the bias of 14-bit values.
    static func muLaw(_ code: UInt8) -> Int16 {
        let value = Int(~code)
        let magnitude = (((value & 0x0F) << 1) + 33) << ((value >> 4) & 7)
        let linear = (magnitude - 33) * 4
        return Int16(clamping: value & 0x80 != 0 ? -linear : linear)
    }

    /// G.711, table 1a: even bits inverted; 13-bit values.
    static func aLaw(_ code: UInt8) -> Int16 {
        let value = Int(code ^ 0x55)
        let segment = (value >> 4) & 7
        let mantissa = (value & 0x0F) << 1
        let magnitude = segment == 0 ? mantissa + 1 : (mantissa + 33) << (segment - 1)
        return Int16(clamping: value & 0x80 != 0 ? magnitude * 8 : -magnitude * 8)
    }
}
