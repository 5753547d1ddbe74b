// A body that is made while it is sent, as libmicrohttpd takes it.

import CMicroHTTPD
import Glibc

/// Reads a body piece by piece from a closure.
final class StreamReader {
    // Touched on one daemon thread at a time.
    private let next: @Sendable () -> HTTPStreamPiece
    /// What was given and is not sent yet.
    private var rest: ArraySlice<UInt8> = []

    init(_ next: @escaping @Sendable () -> HTTPStreamPiece) { self.next = next }

    func response() -> OpaquePointer? {
        let owner = Unmanaged.passRetained(self)
        // All ones is MHD_SIZE_UNKNOWN: the body is sent in chunks.
        let made = MHD_create_response_from_callback(
            .max, 16 << 10,
            { owner, _, buffer, room in
                guard let owner, let buffer else { return -2 }
                let reader = Unmanaged<StreamReader>.fromOpaque(owner).takeUnretainedValue()
                return reader.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: room))
            }, owner.toOpaque(),
            { owner in
                if let owner { Unmanaged<StreamReader>.fromOpaque(owner).release() }
            })
        if made == nil { owner.release() }
        return made
    }

    /// Fills `buffer`; -1 at the end, -2 for an error (`MHD_CONTENT_READER_END_…`).
    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while rest.isEmpty {
            switch next() {
            case .bytes(let bytes): rest = bytes[...]
            case .end: return -1
            case .cut: return -2
            }
        }
        let count = min(buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}
