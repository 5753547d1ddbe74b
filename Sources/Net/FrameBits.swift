// The bit work of WebSocket frames: masking, mask keys, UTF-8 validation.

import COpenSSL
import Glibc

/// Masks or unmasks `count` bytes in place with `key` as it lies in memory (RFC 6455 §5.3).
func applyMask(_ start: UnsafeMutableRawPointer, count: Int, key: UInt32) {
    let wide = UInt64(key) | UInt64(key) << 32
    var index = 0
    while index &+ 8 <= count {
        let word = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        start.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
        index &+= 8
    }
    withUnsafeBytes(of: key) { key in
        while index < count {
            let byte = start.load(fromByteOffset: index, as: UInt8.self)
            start.storeBytes(of: byte ^ key[index & 3], toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }
}

/// Unpredictable mask keys (RFC 6455 §10.3), drawn from OpenSSL 1024 at a time.
struct MaskKeys {
    private var keys: [UInt32] = []

    /// A fresh key.
    mutating func next() -> UInt32 {
        if let key = keys.popLast() { return key }
        var fresh = [UInt32](repeating: 0, count: 1024)
        let drawn = fresh.withUnsafeMutableBytes {
            RAND_bytes($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count))
        }
        if drawn != 1 {
            for index in fresh.indices { fresh[index] = UInt32.random(in: .min ... .max) }
        }
        keys = fresh
        return keys.removeLast()
    }
}

/// Whether `bytes` are UTF-8: no overlong form, surrogate, or value above U+10FFFF (RFC 3629 §4).
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
        if index &+ 8 <= count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word & 0x8080_8080_8080_8080 == 0 {
                index &+= 8
                continue
            }
        }
        let lead = bytes[index]
        if lead < 0x80 {
            index &+= 1
            continue
        }
        let more: Int
        var (low, high) = (UInt8(0x80), UInt8(0xBF))  // bounds of the second byte
        switch lead {
        case 0xC2...0xDF: more = 1
        case 0xE0: (more, low) = (2, 0xA0)
        case 0xED: (more, high) = (2, 0x9F)
        case 0xE1...0xEF: more = 2
        case 0xF0: (more, low) = (3, 0x90)
        case 0xF4: (more, high) = (3, 0x8F)
        case 0xF1...0xF3: more = 3
        default: return false
        }
        guard count &- index > more else { return false }
        guard bytes[index &+ 1] >= low, bytes[index &+ 1] <= high else { return false }
        var offset = 2
        while offset <= more {
            guard bytes[index &+ offset] & 0xC0 == 0x80 else { return false }
            offset &+= 1
        }
        index &+= more &+ 1
    }
    return true
}
