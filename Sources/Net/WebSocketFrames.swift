// WebSocket framing (RFC 6455 §5): a reader that unmasks in place, and a writer.

/// Which end of a WebSocket we are.
enum WebSocketRole: Sendable {
    case server
    case client
}

/// The opcodes of RFC 6455 §5.2.
enum WebSocketOpcode {
    static let continuation: UInt8 = 0
    static let text: UInt8 = 1
    static let binary: UInt8 = 2
    static let close: UInt8 = 8
    static let ping: UInt8 = 9
    static let pong: UInt8 = 10
}

/// The next thing a reader found. Pointers are valid until the reader is asked again.
enum WebSocketIncoming {
    /// No whole frame is left.
    case nothing
    /// A whole message.
    case message(UnsafeRawBufferPointer, isText: Bool)
    /// A ping and what its pong must carry.
    case ping(UnsafeRawBufferPointer)
    /// A close frame: 1005 when it has no code.
    case close(code: UInt16, reason: UnsafeRawBufferPointer)
    /// The peer broke the protocol or a limit: the code to fail with. Nothing follows.
    case failure(UInt16)
}

/// Cuts a stream into frames and joins fragments. `begin`, `next` until `.nothing`, `end`, for each read.
struct FrameReader: ~Copyable {
    private let isMasked: Bool
    private var carry = ByteQueue()
    private var assembly = ByteQueue()
    private var region = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var position = 0
    private var isCarried = false
    /// The opcode of the fragmented message under way, or 0.
    private var assembling: UInt8 = 0
    private var isMessageDone = false
    private var isFailed = false

    /// A reader for the end `role`: a server takes masked frames only, a client unmasked ones only (§5.1).
    init(role: WebSocketRole) { isMasked = role == .server }

    /// Takes what was read. It is unmasked in place and must stay until `end`.
    mutating func begin(_ input: UnsafeMutableRawBufferPointer) {
        isCarried = !carry.isEmpty
        if isCarried { carry.append(UnsafeRawBufferPointer(input)) }
        region = isCarried ? carry.bytes : input
        position = 0
    }

    /// Keeps the part of a frame that is left over.
    mutating func end() {
        if isFailed {
            carry.removeAll()
        } else if isCarried {
            carry.removeFirst(position)
        } else if position < region.count {
            carry.append(UnsafeRawBufferPointer(rebasing: region[position...]))
        }
        region = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    /// The next message or control frame. `limit` bounds a message, in bytes.
    mutating func next(limit: Int) -> WebSocketIncoming {
        if isMessageDone {
            assembly.removeAll()
            isMessageDone = false
        }
        while true {
            guard !isFailed, region.count - position >= 2 else { return .nothing }
            let (first, second) = (region[position], region[position + 1])
            let opcode = first & 0x0F
            let isFinal = first & 0x80 != 0
            let isControl = opcode & 0x08 != 0
            let short = Int(second & 0x7F)
            guard first & 0x70 == 0, (second & 0x80 != 0) == isMasked else { return fail(1002) }
            if isControl {
                guard opcode <= WebSocketOpcode.pong, isFinal, short <= 125 else { return fail(1002) }
            } else {
                let isContinued = assembling != 0
                guard opcode <= 2, (opcode == 0) == isContinued else { return fail(1002) }
            }
            let extended = short < 126 ? 0 : short == 126 ? 2 : 8
            let header = 2 + extended + (isMasked ? 4 : 0)
            guard region.count - position >= header else { return .nothing }
            var length = short
            if extended > 0 {
                var wide: UInt64 = 0
                for offset in 0..<extended { wide = wide << 8 | UInt64(region[position + 2 + offset]) }
                // The shortest form is a must (§5.2), and the highest bit is zero.
                guard wide >= (extended == 2 ? 126 : 65536), let exact = Int(exactly: wide) else {
                    return fail(1002)
                }
                length = exact
            }
            guard isControl || length <= limit - assembly.count else { return fail(1009) }
            guard region.count - position - header >= length else { return .nothing }
            let start = position + header
            let payload = UnsafeMutableRawBufferPointer(rebasing: region[start..<start + length])
            if isMasked, let base = payload.baseAddress {
                let key = UnsafeRawBufferPointer(region).loadUnaligned(
                    fromByteOffset: start - 4, as: UInt32.self)
                applyMask(base, count: length, key: key)
            }
            position = start + length
            let bytes = UnsafeRawBufferPointer(payload)
            if isControl {
                if opcode == WebSocketOpcode.pong { continue }
                return opcode == WebSocketOpcode.ping ? .ping(bytes) : closing(bytes)
            }
            if isFinal, assembling == 0 { return message(bytes, opcode) }
            assembly.append(bytes)
            if opcode != 0 { assembling = opcode }
            guard isFinal else { continue }
            let whole = assembling
            assembling = 0
            isMessageDone = true
            return message(UnsafeRawBufferPointer(assembly.bytes), whole)
        }
    }

    private mutating func fail(_ code: UInt16) -> WebSocketIncoming {
        isFailed = true
        return .failure(code)
    }

    private mutating func message(_ bytes: UnsafeRawBufferPointer, _ opcode: UInt8) -> WebSocketIncoming {
        let isText = opcode == WebSocketOpcode.text
        if isText, !isUTF8(bytes) { return fail(1007) }
        return .message(bytes, isText: isText)
    }

    private mutating func closing(_ bytes: UnsafeRawBufferPointer) -> WebSocketIncoming {
        guard bytes.count != 1 else { return fail(1002) }
        guard bytes.count >= 2 else { return .close(code: 1005, reason: bytes) }
        let code = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        guard WebSocketCode.mayBeSent(code) else { return fail(1002) }
        let reason = UnsafeRawBufferPointer(rebasing: bytes[2...])
        return isUTF8(reason) ? .close(code: code, reason: reason) : fail(1007)
    }
}

/// Close codes (RFC 6455 §7.4).
enum WebSocketCode {
    /// Whether `code` may stand in a close frame: the registered ones and 3000–4999.
    static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension ByteQueue {
    /// Appends one final frame, masked with `mask` when we are the client.
    mutating func appendFrame(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer, mask: UInt32?) {
        let length = payload.count
        let start = reserve(length + 14)
        let flag: UInt8 = mask == nil ? 0 : 0x80
        start.storeBytes(of: 0x80 | opcode, as: UInt8.self)
        var header = 2
        if length < 126 {
            start.storeBytes(of: flag | UInt8(length), toByteOffset: 1, as: UInt8.self)
        } else if length < 65536 {
            start.storeBytes(of: flag | 126, toByteOffset: 1, as: UInt8.self)
            start.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 2, as: UInt16.self)
            header = 4
        } else {
            start.storeBytes(of: flag | 127, toByteOffset: 1, as: UInt8.self)
            start.storeBytes(of: UInt64(length).bigEndian, toByteOffset: 2, as: UInt64.self)
            header = 10
        }
        if let mask {
            start.storeBytes(of: mask, toByteOffset: header, as: UInt32.self)
            header += 4
        }
        if let source = payload.baseAddress { (start + header).copyMemory(from: source, byteCount: length) }
        if let mask { applyMask(start + header, count: length, key: mask) }
        commit(header + length)
    }
}
