// Responses as libmicrohttpd takes them: bytes, a file by sendfile, pieces by a reader.

import CMicroHTTPD
import Glibc

/// An owned response of libmicrohttpd.
struct HTTPAnswer: ~Copyable {
    private let handle: OpaquePointer

    /// Makes `response` ready; nil when it is malformed (a length below zero, a header field that would break
    /// out of its line). The body's descriptors are closed in every case.
    init?(_ response: HTTPResponse) {
        let made: OpaquePointer? =
            switch response.body {
            case .bytes(let bytes): Self.bytes(bytes)
            case .file(let descriptor, let offset, let length): Self.file(descriptor, offset, length)
            case .parts(let parts): PartsReader(parts).response()
            case .stream(let next): StreamReader(next).response()
            case .omitted(let length): Self.omitted(length)
            }
        guard let made else { return nil }
        for (name, value) in response.headers {
            // These are the server's.
            if ["content-length", "date", "transfer-encoding"].contains(name.lowercased()) { continue }
            guard MHD_add_response_header(made, name, value) == .YES else {
                MHD_destroy_response(made)
                return nil
            }
        }
        handle = made
    }

    /// The answer to a good upgrade: `taker` is called with the exchange as its per-request pointer.
    init?(accept: String, taker: @escaping MHD_UpgradeHandler) {
        guard let made = MHD_create_response_for_upgrade(taker, nil) else { return nil }
        guard MHD_add_response_header(made, "Upgrade", "websocket") == .YES,
            MHD_add_response_header(made, "Sec-WebSocket-Accept", accept) == .YES
        else {
            MHD_destroy_response(made)
            return nil
        }
        handle = made
    }

    deinit { MHD_destroy_response(handle) }

    /// Queues it on `connection`.
    func queue(_ status: Int, on connection: OpaquePointer) -> MHD_Result {
        MHD_queue_response(connection, UInt32(clamping: status), handle)
    }

    private static func bytes(_ bytes: [UInt8]) -> OpaquePointer? {
        var copy = bytes
        return copy.withUnsafeMutableBytes {
            MHD_create_response_from_buffer($0.count, $0.baseAddress, .RESPMEM_MUST_COPY)
        }
    }

    /// libmicrohttpd tells the length of a 304 and never asks for its body.
    private static func omitted(_ length: Int64) -> OpaquePointer? {
        guard length >= 0 else { return nil }
        if length == 0 { return bytes([]) }
        return MHD_create_response_from_callback(UInt64(length), 1, { _, _, _, _ in -2 }, nil, nil)
    }

    private static func file(_ descriptor: Int32, _ offset: Int64, _ length: Int64) -> OpaquePointer? {
        guard offset >= 0, length > 0, !offset.addingReportingOverflow(length).overflow else {
            close(descriptor)
            return length == 0 ? bytes([]) : nil
        }
        let made = MHD_create_response_from_fd_at_offset64(UInt64(length), descriptor, UInt64(offset))
        if made == nil { close(descriptor) }
        return made
    }
}

/// Reads a body made of pieces, for multipart/byteranges.
private final class PartsReader {
    // Touched on one daemon thread at a time.
    private let parts: [HTTPBodyPart]
    private var starts: [UInt64] = []
    private var total: UInt64 = 0
    private var isSound = true
    private var current = 0

    init(_ parts: [HTTPBodyPart]) {
        self.parts = parts
        for part in parts {
            starts.append(total)
            let length: Int64 =
                switch part {
                case .bytes(let bytes): Int64(bytes.count)
                case .file(_, let offset, let length):
                    offset < 0 || offset.addingReportingOverflow(max(length, 0)).overflow ? -1 : length
                }
            let (sum, overflow) = total.addingReportingOverflow(UInt64(max(length, 0)))
            if length < 0 || overflow || sum > UInt64(Int64.max) { isSound = false }
            total = sum
        }
    }

    deinit {
        var descriptors: Set<Int32> = []
        for case .file(let descriptor, _, _) in parts { descriptors.insert(descriptor) }
        for descriptor in descriptors { close(descriptor) }
    }

    func response() -> OpaquePointer? {
        guard isSound else { return nil }
        if total == 0 { return MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT) }
        let owner = Unmanaged.passRetained(self)
        let made = MHD_create_response_from_callback(
            total, 64 << 10,
            { owner, position, buffer, room in
                guard let owner, let buffer else { return -2 }
                let reader = Unmanaged<PartsReader>.fromOpaque(owner).takeUnretainedValue()
                return reader.read(
                    at: position, into: UnsafeMutableRawBufferPointer(start: buffer, count: room))
            }, owner.toOpaque(),
            { owner in
                if let owner { Unmanaged<PartsReader>.fromOpaque(owner).release() }
            })
        if made == nil { owner.release() }
        return made
    }

    /// Fills `buffer` from `position` on; -1 at the end, -2 for an error (`MHD_CONTENT_READER_END_…`).
    private func read(at position: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard position < total else { return -1 }
        if starts[current] > position { current = 0 }
        while current + 1 < parts.count, starts[current + 1] <= position { current += 1 }
        let within = position - starts[current]
        switch parts[current] {
        case .bytes(let bytes):
            let count = min(buffer.count, bytes.count - Int(within))
            buffer.copyBytes(from: bytes[Int(within)..<Int(within) + count])
            return count
        case .file(let descriptor, let offset, let length):
            let count = min(buffer.count, Int(length) - Int(within))
            let got = pread(descriptor, buffer.baseAddress, count, off_t(offset) + off_t(within))
            return got > 0 ? got : -2
        }
    }
}
