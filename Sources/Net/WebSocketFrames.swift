// RFC 6455 framing: bytes to messages and back. Pure.

import CLinux
import Glibc

/// What a stream of frames tells.
enum WebSocketItem {
    /// A whole message; the bytes are valid during the call only.
    case message(UnsafeRawBufferPointer, isText: Bool)
    case ping(UnsafeRawBufferPointer)
    case pong
    /// The peer's close frame; 1005 when it holds no code (section 7.1.5).
    case close(code: UInt16, reason: String)
}

/// A breach of the protocol, with the code to close with (section 7.4.1).
struct WebSocketBreach: Error {
    var code: UInt16
}

/// Random bytes from the kernel, by the kilobyte: a mask must not be guessable (section 10.3).
struct MaskSource {
    private var bytes: [UInt32] = []

    mutating func next() -> UInt32 {
        if bytes.isEmpty {
            bytes = [UInt32](repeating: 0, count: 256)
            _ = bytes.withUnsafeMutableBytes { getrandom($0.baseAddress, $0.count, 0) }
        }
        return bytes.removeLast()
    }
}

/// Takes frames apart. The server side wants masked frames, the client side unmasked ones (section 5.1).
struct WebSocketReader {
    let isServer: Bool
    private var fragments: [UInt8] = []
    private var isFragmented = false
    private var fragmentsAreText = false

    init(isServer: Bool) { self.isServer = isServer }

    /// Takes one frame from the front of `bytes`, unmasking it in place. Returns its length, or nil when it
    /// is not whole yet.
    mutating func take(
        _ bytes: UnsafeMutableRawBufferPointer, limit: Int, _ deliver: (WebSocketItem) -> Void
    ) throws(WebSocketBreach) -> Int? {
        guard bytes.count >= 2 else { return nil }
        let first = bytes[0]
        let second = bytes[1]
        let opcode = first & 0x0F
        let isFinal = first & 0x80 != 0
        guard first & 0x70 == 0 else { throw WebSocketBreach(code: 1002) }
        guard (second & 0x80 != 0) == isServer else { throw WebSocketBreach(code: 1002) }
        var header = 2
        var length = UInt64(second & 0x7F)
        if opcode >= 8 {
            guard opcode <= 10, isFinal, length <= 125 else { throw WebSocketBreach(code: 1002) }
        } else {
            guard opcode <= 2, (opcode == 0) == isFragmented else { throw WebSocketBreach(code: 1002) }
        }
        if length == 126 {
            guard bytes.count >= 4 else { return nil }
            length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            header = 4
        } else if length == 127 {
            guard bytes.count >= 10 else { return nil }
            length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            header = 10
        }
        guard length <= UInt64(max(0, limit - fragments.count)) || opcode >= 8 else {
            throw WebSocketBreach(code: 1009)
        }
        let maskAt = header
        if isServer { header += 4 }
        let whole = header + Int(length)
        guard bytes.count >= whole else { return nil }
        let payload = UnsafeMutableRawBufferPointer(rebasing: bytes[header..<whole])
        if isServer {
            Self.mask(payload, with: bytes.loadUnaligned(fromByteOffset: maskAt, as: UInt32.self))
        }
        try handle(opcode, isFinal: isFinal, UnsafeRawBufferPointer(payload), deliver)
        return whole
    }

    private mutating func handle(
        _ opcode: UInt8, isFinal: Bool, _ payload: UnsafeRawBufferPointer, _ deliver: (WebSocketItem) -> Void
    ) throws(WebSocketBreach) {
        switch opcode {
        case 8: deliver(try Self.close(payload))
        case 9: deliver(.ping(payload))
        case 10: deliver(.pong)
        default:
            if !isFragmented, isFinal {
                if opcode == 1, !Self.isUTF8(payload) { throw WebSocketBreach(code: 1007) }
                deliver(.message(payload, isText: opcode == 1))
                return
            }
            if !isFragmented {
                isFragmented = true
                fragmentsAreText = opcode == 1
            }
            fragments.append(contentsOf: payload)
            guard isFinal else { return }
            let message = fragments
            fragments = []
            isFragmented = false
            let isText = fragmentsAreText
            let isValid = message.withUnsafeBytes { bytes -> Bool in
                guard !isText || Self.isUTF8(bytes) else { return false }
                deliver(.message(bytes, isText: isText))
                return true
            }
            if !isValid { throw WebSocketBreach(code: 1007) }
        }
    }

    private static func close(_ payload: UnsafeRawBufferPointer) throws(WebSocketBreach) -> WebSocketItem {
        guard !payload.isEmpty else { return .close(code: 1005, reason: "") }
        guard payload.count >= 2 else { throw WebSocketBreach(code: 1002) }
        let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        let isAllowed =
            (1000...1003).contains(code) || (1007...1014).contains(code) || (3000...4999).contains(code)
        guard isAllowed else { throw WebSocketBreach(code: 1002) }
        let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
        guard isUTF8(reason) else { throw WebSocketBreach(code: 1007) }
        return .close(code: code, reason: String(decoding: reason, as: UTF8.self))
    }

    /// Whether `bytes` are UTF-8; ASCII, which all carriers send, is seen eight bytes at a time.
    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= bytes.count {
            if bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 {
                break
            }
            offset += 8
        }
        while offset < bytes.count, bytes[offset] < 0x80 { offset += 1 }
        guard offset < bytes.count else { return true }
        return String(validating: bytes[offset...], as: UTF8.self) != nil
    }

    static func mask(_ bytes: UnsafeMutableRawBufferPointer, with mask: UInt32) {
        let wide = UInt64(mask) | UInt64(mask) << 32
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide
            bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        var rest = wide
        while offset < bytes.count {
            bytes[offset] ^= UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            offset += 1
        }
    }
}

/// Puts frames together.
enum WebSocketWriter {
    static let text: UInt8 = 1
    static let closing: UInt8 = 8
    static let ping: UInt8 = 9
    static let pong: UInt8 = 10

    /// Appends a final frame to `output`, masked when `mask` is given (a client must, a server must not).
    static func append(
        _ opcode: UInt8, _ payload: UnsafeRawBufferPointer, mask: UInt32?, to output: inout [UInt8]
    ) {
        let flag: UInt8 = mask == nil ? 0 : 0x80
        output.append(0x80 | opcode)
        if payload.count < 126 {
            output.append(flag | UInt8(payload.count))
        } else if payload.count <= 0xFFFF {
            output.append(flag | 126)
            withUnsafeBytes(of: UInt16(payload.count).bigEndian) { output.append(contentsOf: $0) }
        } else {
            output.append(flag | 127)
            withUnsafeBytes(of: UInt64(payload.count).bigEndian) { output.append(contentsOf: $0) }
        }
        guard let mask else {
            output.append(contentsOf: payload)
            return
        }
        withUnsafeBytes(of: mask) { output.append(contentsOf: $0) }
        let start = output.count
        output.append(contentsOf: payload)
        output.withUnsafeMutableBytes {
            WebSocketReader.mask(UnsafeMutableRawBufferPointer(rebasing: $0[start...]), with: mask)
        }
    }
}
