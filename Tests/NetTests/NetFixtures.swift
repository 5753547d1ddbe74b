// What the tests of Net share: an echo service over HTTP upgrade, a recording handler, raw sockets, descriptors counted.

import Foundation
import Glibc
import Patience
import Telemetry
import Testing

@testable import Net

/// A value behind a lock.
final class Locked<Value>: @unchecked Sendable {
    private let mutex = Lock()
    private var value: Value
    init(_ value: Value) { self.value = value }
    func with<Result>(_ body: (inout Value) -> Result) -> Result {
        mutex.lock()
        defer { mutex.unlock() }
        return body(&value)
    }
}

/// Remembers what a WebSocket told it; echoes if asked to.
final class RecordingHandler: WebSocketHandler {
    struct Heard: Sendable {
        var opened = 0
        var messages: [(bytes: [UInt8], isText: Bool)] = []
        var closes: [(code: UInt16, reason: String, error: NetError?)] = []
    }
    let heard = Locked(Heard())
    let echoes: Bool
    let onOpen: (@Sendable (WebSocketConnection) -> Void)?
    let onMessage: (@Sendable (WebSocketConnection, [UInt8]) -> Void)?

    init(
        echoes: Bool = false, onOpen: (@Sendable (WebSocketConnection) -> Void)? = nil,
        onMessage: (@Sendable (WebSocketConnection, [UInt8]) -> Void)? = nil
    ) {
        (self.echoes, self.onOpen, self.onMessage) = (echoes, onOpen, onMessage)
    }
    func webSocketDidOpen(_ socket: WebSocketConnection) {
        heard.with { $0.opened += 1 }
        onOpen?(socket)
    }
    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        heard.with { $0.messages.append((Array(bytes), isText)) }
        if echoes {
            if isText { socket.send(text: bytes) } else { socket.send(binary: bytes) }
        }
        onMessage?(socket, Array(bytes))
    }
    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        heard.with { $0.closes.append((code, reason, error)) }
    }
    var isOpen: Bool { heard.with { $0.opened > 0 } }
    var isClosed: Bool { heard.with { !$0.closes.isEmpty } }
    var messages: [[UInt8]] { heard.with { $0.messages.map(\.bytes) } }
    var close: (code: UInt16, reason: String, error: NetError?)? { heard.with { $0.closes.first } }
}

/// Answers by a closure.
struct ClosureHandler: HTTPHandler {
    let body: @Sendable (HTTPRequest) -> HTTPOutcome
    func respond(to request: HTTPRequest) -> HTTPOutcome { body(request) }
}

/// A loop and an HTTP server whose upgrades land on it as WebSockets.
final class EchoService: Sendable {
    let loop: EventLoop
    let server: HTTPServer
    let handlers = Locked<[RecordingHandler]>([])

    init(
        limits: WebSocketLimits = WebSocketLimits(),
        settings: HTTPServerSettings = HTTPServerSettings(port: 0),
        make: @escaping @Sendable () -> RecordingHandler = { RecordingHandler(echoes: true) }
    ) throws {
        let loop = try EventLoop.start(name: "echo")
        let handlers = handlers
        self.loop = loop
        server = try HTTPServer.start(
            settings,
            handler: ClosureHandler { _ in
                .upgrade { socket in
                    let handler = make()
                    handlers.with { $0.append(handler) }
                    loop.execute {
                        _ = WebSocketConnection.accept(socket, on: loop, limits: limits, handler: handler)
                    }
                }
            })
    }
    var url: String { "ws://127.0.0.1:\(server.port)/" }
    /// The handler of the first upgrade, once there is one.
    func firstHandler() throws -> RecordingHandler {
        let handlers = handlers
        _ = waitUntil { handlers.with { !$0.isEmpty } }
        return try #require(handlers.with { $0.first })
    }
    func stop() {
        loop.stop()
        let handlers = handlers
        #expect(waitUntil { handlers.with { $0.allSatisfy(\.isClosed) } })
        server.stop()
    }
}

/// A blocking TCP client with a time limit on every call.
final class RawSocket: @unchecked Sendable {
    // Used by one test at a time.
    let descriptor: Int32
    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let address = try #require(ListenAddress(host: "127.0.0.1", port: port))
        let status = address.withPointer {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard status == 0 else {
            throw NetError.system(operation: "connect", errno: errno)
        }
    }
    init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            sent += count
        }
    }
    func write(_ text: String) { write(Array(text.utf8)) }

    /// What is there, up to `limit` bytes; empty at the end; nil for an error.
    func read(_ limit: Int = 65536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        // A process that was stopped and goes on is interrupted where a call has a limit (signal(7)).
        repeat { count = recv(descriptor, &bytes, limit, 0) } while count < 0 && errno == EINTR
        return count < 0 ? nil : Array(bytes.prefix(count))
    }
    /// Exactly `count` bytes or fewer at the end.
    func read(exactly count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let more = read(count - bytes.count), !more.isEmpty { bytes += more }
        return bytes
    }
    /// Everything to the end of the stream.
    func readToEnd() -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = read(), !more.isEmpty { bytes += more }
        return bytes
    }
    /// A header up to its empty line.
    func readHead() -> String {
        var bytes: [UInt8] = []
        while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]), let byte = read(1), !byte.isEmpty {
            bytes += byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static let upgrade =
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

    /// Upgrades, with `more` right behind the request.
    func upgrade(with more: [UInt8] = []) -> String {
        write(Array(Self.upgrade.utf8) + more)
        return readHead()
    }
    /// The next server frame: first byte and payload.
    func readFrame() -> (first: UInt8, payload: [UInt8])? {
        let head = read(exactly: 2)
        guard head.count == 2 else { return nil }
        var length = Int(head[1] & 0x7F)
        if length >= 126 {
            length = read(exactly: length == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) }
        }
        return (head[0], read(exactly: length))
    }
}

/// A listening socket whose connections are handled one by one, each by `script`, on a thread.
final class RawListener: @unchecked Sendable {
    // Constant after init but for the thread, which `stop` joins.
    let port: UInt16
    private let descriptor: Int32
    private let done = DispatchSemaphore(value: 0)

    init(_ script: @escaping @Sendable (RawSocket) -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        let address = try #require(ListenAddress(host: "127.0.0.1", port: 0))
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try #require(address.withPointer { bind(descriptor, $0, size) } == 0)
        try #require(listen(descriptor, 16) == 0)
        var bound = sockaddr_in()
        withUnsafeMutableBytes(of: &bound) {
            $0.withMemoryRebound(to: sockaddr.self) { _ = getsockname(descriptor, $0.baseAddress, &size) }
        }
        port = UInt16(bigEndian: bound.sin_port)
        let done = done
        Thread.detachNewThread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                // One that has gone before it was accepted is not the end.
                if accepted < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard accepted >= 0 else { break }
                var limit = timeval(tv_sec: 10, tv_usec: 0)
                setsockopt(
                    accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                script(RawSocket(descriptor: accepted))
            }
            done.signal()
        }
    }
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        #expect(done.wait(timeout: .now() + 20) == .success)
        close(descriptor)
    }
}

/// A frame made by hand.
func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, reserved: UInt8 = 0,
    mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
) -> [UInt8] {
    let flag: UInt8 = mask == nil ? 0 : 0x80
    var bytes: [UInt8] = [(final ? 0x80 : 0) | reserved << 4 | opcode]
    switch payload.count {
    case ..<126: bytes.append(flag | UInt8(payload.count))
    case ..<65536: bytes += [flag | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
        bytes +=
            [flag | 127] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> ($0 * 8)) }
    }
    guard let mask else { return bytes + payload }
    return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
}

/// An open descriptor, and what it leads to: a socket or a pipe that comes later is another one, also under the same number.
struct OpenDescriptor: Hashable {
    let number: Int32
    let device: dev_t
    let inode: ino_t
}

/// The open descriptors of this process.
func openDescriptors() -> Set<OpenDescriptor> {
    var open: Set<OpenDescriptor> = []
    for number in Int32(0)..<4096 {
        var facts = stat()
        guard fstat(number, &facts) == 0 else { continue }
        open.insert(OpenDescriptor(number: number, device: facts.st_dev, inode: facts.st_ino))
    }
    return open
}

/// The open descriptors, once they have been the same in ten readings: what an earlier test has left is gone by then.
func restingDescriptors() -> Set<OpenDescriptor> {
    var last = openDescriptors()
    var same = 1
    let isAtRest = waitUntil {
        usleep(10_000)
        let now = openDescriptors()
        same = now == last ? same + 1 : 1
        last = now
        return same == 10
    }
    #expect(isAtRest)
    return last
}

/// The descriptors that were opened after `before` and still are. What was open then and has gone since does not make up for
/// one of them.
func openedSince(_ before: Set<OpenDescriptor>) -> Set<OpenDescriptor> {
    openDescriptors().subtracting(before)
}
