// Bodies as libmicrohttpd wants them: memory, a file by sendfile, or pieces read on demand.

import CMicroHTTPD
import Glibc

/// Makes libmicrohttpd's responses. The caller destroys them.
enum HTTPResponseMaker {
    static func make(_ response: HTTPResponse) -> OpaquePointer? {
        switch response.body {
        case .bytes(let bytes):
            return bytes.withUnsafeBytes {
                MHD_create_response_from_buffer(
                    bytes.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .file(let descriptor, let offset, let length):
            if length == 0 {
                close(descriptor)
                return MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT)
            }
            let made = MHD_create_response_from_fd_at_offset64(UInt64(length), descriptor, UInt64(offset))
            if made == nil { close(descriptor) }
            return made
        case .parts(let parts):
            let source = PartSource(parts)
            let context = Unmanaged.passRetained(source)
            let made = MHD_create_response_from_callback(
                UInt64(source.length), 64 << 10,
                { context, position, buffer, most in
                    guard let context, let buffer else { return -2 }
                    let source = Unmanaged<PartSource>.fromOpaque(context).takeUnretainedValue()
                    return source.read(
                        at: Int64(position), UnsafeMutableRawBufferPointer(start: buffer, count: most))
                }, context.toOpaque(),
                { context in
                    if let context { Unmanaged<PartSource>.fromOpaque(context).release() }
                })
            if made == nil { context.release() }
            return made
        }
    }
}

/// A body of several pieces, read by position. Closes its descriptors, each once.
private final class PartSource {
    private let parts: [(start: Int64, part: HTTPBodyPart)]
    let length: Int64

    init(_ parts: [HTTPBodyPart]) {
        var at: Int64 = 0
        self.parts = parts.map { part in
            defer {
                switch part {
                case .bytes(let bytes): at += Int64(bytes.count)
                case .file(_, _, let length): at += length
                }
            }
            return (at, part)
        }
        length = at
    }

    deinit {
        var descriptors: Set<Int32> = []
        for (_, part) in parts {
            if case .file(let descriptor, _, _) = part { descriptors.insert(descriptor) }
        }
        for descriptor in descriptors { close(descriptor) }
    }

    /// Fills `buffer` from `position`; -1 is the end, -2 an error (libmicrohttpd's numbers).
    func read(at position: Int64, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard position < length else { return -1 }
        guard let (start, part) = parts.last(where: { $0.start <= position }) else { return -2 }
        let skip = position - start
        switch part {
        case .bytes(let bytes):
            let count = min(buffer.count, bytes.count - Int(skip))
            guard count > 0 else { return -2 }
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(skip)..<Int(skip) + count]))
            }
            return count
        case .file(let descriptor, let offset, let length):
            let count = min(Int64(buffer.count), length - skip)
            let got = pread(descriptor, buffer.baseAddress, Int(count), off_t(offset + skip))
            return got > 0 ? got : -2
        }
    }
}
