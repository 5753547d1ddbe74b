// Framing by tables from RFC 6455, both ends, at every cut.

import Damage
import Testing

@testable import Net

/// What a reader made of its input.
private enum Heard: Hashable {
    case text([UInt8])
    case binary([UInt8])
    case ping([UInt8])
    case close(UInt16, [UInt8])
    case failure(UInt16)
}

/// Reads `pieces` one after the other.
private func read(_ pieces: [[UInt8]], role: WebSocketRole = .server, limit: Int = 1 << 20) -> [Heard] {
    var reader = FrameReader(role: role)
    var heard: [Heard] = []
    for piece in pieces {
        var piece = piece
        piece.withUnsafeMutableBytes { bytes in
            reader.begin(bytes)
            loop: while true {
                switch reader.next(limit: limit) {
                case .nothing: break loop
                case .message(let message, true): heard.append(.text(Array(message)))
                case .message(let message, false): heard.append(.binary(Array(message)))
                case .ping(let payload): heard.append(.ping(Array(payload)))
                case .close(let code, let reason): heard.append(.close(code, Array(reason)))
                case .failure(let code): heard.append(.failure(code))
                }
            }
            reader.end()
        }
    }
    return heard
}

private struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var input: [UInt8]
    var heard: [Heard]
    var role = WebSocketRole.server
    var limit = 1 << 20
    var testDescription: String { name }
}

private let hello = Array("Hello".utf8)
private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 95 + 32) } }
private func plain(_ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true) -> [UInt8] {
    frame(opcode, payload, final: final, mask: nil)
}

/// The examples of RFC 6455 §5.7, byte for byte.
private let examples: [Case] = [
    Case(
        name: "unmasked text", input: [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], heard: [.text(hello)],
        role: .client),
    Case(
        name: "masked text",
        input: [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], heard: [.text(hello)]),
    Case(
        name: "fragmented unmasked text", input: [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F],
        heard: [.text(hello)], role: .client),
    Case(
        name: "unmasked ping", input: [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], heard: [.ping(hello)],
        role: .client),
    Case(
        name: "masked pong",
        input: [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], heard: []),
    Case(
        name: "256 bytes", input: [0x82, 0x7E, 0x01, 0x00] + bytes(256), heard: [.binary(bytes(256))],
        role: .client),
    Case(
        name: "64 KiB", input: [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + bytes(65536),
        heard: [.binary(bytes(65536))], role: .client),
]

private let lengths: [Case] = [0, 1, 2, 7, 8, 9, 124, 125, 126, 127, 128, 1000, 65535, 65536, 65537, 200_000]
    .flatMap { count in
        [
            Case(
                name: "masked text of \(count)", input: frame(1, bytes(count)), heard: [.text(bytes(count))]),
            Case(
                name: "plain binary of \(count)", input: plain(2, bytes(count)),
                heard: [.binary(bytes(count))], role: .client),
            Case(
                name: "\(count) over the limit", input: frame(1, bytes(count)),
                heard: count == 0 ? [.text([])] : [.failure(1009)], limit: max(count - 1, 0)),
            Case(
                name: "\(count) at the limit", input: frame(1, bytes(count)), heard: [.text(bytes(count))],
                limit: count),
        ]
    }

private let controls: [Case] =
    [
        Case(name: "ping of 125", input: frame(9, bytes(125)), heard: [.ping(bytes(125))]),
        Case(name: "ping of 126", input: frame(9, bytes(126)), heard: [.failure(1002)]),
        Case(name: "pong of 126", input: frame(10, bytes(126)), heard: [.failure(1002)]),
        Case(name: "close of 126", input: frame(8, [3, 232] + bytes(124)), heard: [.failure(1002)]),
        Case(name: "fragmented ping", input: frame(9, hello, final: false), heard: [.failure(1002)]),
        Case(
            name: "ping between fragments",
            input: frame(1, [72], final: false) + frame(9, [1]) + frame(0, [105]) + frame(9, [2]),
            heard: [.ping([1]), .text([72, 105]), .ping([2])]),
        Case(
            name: "close between fragments", input: frame(1, [72], final: false) + frame(8, [3, 232]),
            heard: [.close(1000, [])]),
        Case(name: "empty close", input: frame(8), heard: [.close(1005, [])]),
        Case(name: "close of one byte", input: frame(8, [3]), heard: [.failure(1002)]),
        Case(name: "close with reason", input: frame(8, [3, 232] + hello), heard: [.close(1000, hello)]),
        Case(name: "close with bad reason", input: frame(8, [3, 232, 0xC0, 0x80]), heard: [.failure(1007)]),
    ]
    + [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map {
        Case(name: "opcode \($0)", input: frame($0, [1]), heard: [.failure(1002)])
    }
    + (UInt8(1)...7).map {
        Case(name: "reserved bits \($0)", input: frame(1, hello, reserved: $0), heard: [.failure(1002)])
    }

private let codes: [Case] =
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map {
        Case(
            name: "close code \($0)", input: frame(8, [UInt8($0 >> 8), UInt8($0 & 0xFF)]),
            heard: [.close(UInt16($0), [])])
    }
    + [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map {
        Case(
            name: "close code \($0)", input: frame(8, [UInt8($0 >> 8), UInt8($0 & 0xFF)]),
            heard: [.failure(1002)])
    }

private let fragments: [Case] = [
    Case(name: "continuation of nothing", input: frame(0, hello), heard: [.failure(1002)]),
    Case(
        name: "text in a message", input: frame(1, [72], final: false) + frame(1, [72]),
        heard: [.failure(1002)]),
    Case(
        name: "binary in a message", input: frame(1, [72], final: false) + frame(2, [72], final: false),
        heard: [.failure(1002)]),
    Case(
        name: "continuation after the end", input: frame(1, [72], final: false) + frame(0) + frame(0),
        heard: [.text([72]), .failure(1002)]),
    Case(
        name: "empty fragments", input: frame(1, final: false) + frame(0, final: false) + frame(0),
        heard: [.text([])]),
    Case(
        name: "fragments over the limit", input: frame(2, bytes(6), final: false) + frame(0, bytes(5)),
        heard: [.failure(1009)], limit: 10),
    Case(
        name: "fragments at the limit", input: frame(2, bytes(6), final: false) + frame(0, bytes(4)),
        heard: [.binary(bytes(6) + bytes(4))], limit: 10),
    Case(
        name: "a character across fragments", input: frame(1, [0xE2, 0x82], final: false) + frame(0, [0xAC]),
        heard: [.text([0xE2, 0x82, 0xAC])]),
    Case(
        name: "half a character", input: frame(1, [0xE2], final: false) + frame(0, [0x82]),
        heard: [.failure(1007)]),
    Case(
        name: "messages in a row", input: frame(1, [65]) + frame(2, [0xFF]) + frame(1, [66]),
        heard: [.text([65]), .binary([0xFF]), .text([66])]),
    Case(
        name: "nothing after a failure", input: frame(3) + frame(1, [65]), heard: [.failure(1002)]),
]

private let masking: [Case] = [
    Case(name: "unmasked at a server", input: plain(1, hello), heard: [.failure(1002)]),
    Case(name: "masked at a client", input: frame(1, hello), heard: [.failure(1002)], role: .client),
    Case(name: "unmasked ping at a server", input: plain(9), heard: [.failure(1002)]),
    Case(name: "zero mask", input: frame(1, hello, mask: [0, 0, 0, 0]), heard: [.text(hello)]),
    Case(
        name: "16-bit length too long a form", input: [0x82, 126, 0, 125] + bytes(125),
        heard: [.failure(1002)],
        role: .client),
    Case(
        name: "64-bit length too long a form", input: [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
        heard: [.failure(1002)], role: .client),
    Case(
        name: "highest bit of 64", input: [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], heard: [.failure(1002)],
        role: .client),
    Case(
        name: "2^63-1 bytes", input: [0x82, 127, 0x7F] + [UInt8](repeating: 0xFF, count: 7),
        heard: [.failure(1009)], role: .client),
]

/// Of RFC 3629 and the Unicode standard's table 3-7.
private let utf8: [Case] =
    [
        [0x7F], [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
        [0xEF, 0xBF, 0xBF], [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0], Array("κόσμε".utf8),
    ].map { Case(name: "UTF-8 \($0)", input: frame(1, bytes(9) + $0), heard: [.text(bytes(9) + $0)]) }
    + [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xFE], [0xFF], [0xE2, 0x82], [0xF0, 0x90, 0x80], [0xE2, 0x28, 0xA1], [0xC2, 0x41],
    ].map { Case(name: "not UTF-8 \($0)", input: frame(1, bytes(9) + $0), heard: [.failure(1007)]) }
    + [Case(name: "binary need not be", input: frame(2, [0xFF, 0xC0]), heard: [.binary([0xFF, 0xC0])])]

extension NetTests {
    @Suite struct FrameTests {
        @Test(arguments: examples + lengths + controls + codes + fragments + masking + utf8)
        private func `frames mean what the RFC says, whatever the cut`(_ sample: Case) {
            let input = sample.input
            #expect(read([input], role: sample.role, limit: sample.limit) == sample.heard)
            // Every cut in two of a small sample, cuts around the header of a large one.
            for cut in 0...min(input.count, 300) {
                let pieces = [Array(input[..<cut]), Array(input[cut...])]
                guard input.count < 2000 || cut < 16 else { break }
                #expect(read(pieces, role: sample.role, limit: sample.limit) == sample.heard)
            }
            if input.count < 2000 {
                #expect(read(input.map { [$0] }, role: sample.role, limit: sample.limit) == sample.heard)
            }
        }

        @Test(arguments: UInt64(1)...40)
        func `a long conversation is the same at random cuts`(_ seed: UInt64) {
            var random = SplitMix64(seed: seed)
            var input: [UInt8] = []
            for _ in 0..<60 {
                let payload = bytes(Int.random(in: 0...3000, using: &random))
                switch Int.random(in: 0..<4, using: &random) {
                case 0: input += frame(1, payload)
                case 1: input += frame(2, payload)
                case 2: input += frame(9, Array(payload.prefix(125)))
                default:
                    input += frame(1, payload, final: false) + frame(9, [1]) + frame(0, payload, final: false)
                    input += frame(0, payload)
                }
            }
            let whole = read([input])
            #expect(whole.count >= 60)
            var pieces: [[UInt8]] = []
            var rest = input[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...4000, using: &random)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(read(pieces) == whole)
        }

        @Test func `ten thousand mutated streams neither trap nor grow`() {
            var random = SplitMix64(seed: 7)
            let sample =
                frame(1, bytes(300)) + frame(9, [1, 2]) + frame(1, bytes(20), final: false)
                + frame(0, bytes(9))
                + frame(2, bytes(70)) + frame(8, [3, 232])
            for _ in 0..<10_000 {
                var input = sample
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    input[Int.random(in: 0..<input.count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
                let heard = read([input], limit: 1000)
                let failures = heard.filter { if case .failure = $0 { true } else { false } }
                #expect(failures.count <= 1)
                let cut = Int.random(in: 0...input.count, using: &random)
                #expect(read([Array(input[..<cut]), Array(input[cut...])], limit: 1000) == heard)
            }
        }

        @Test(arguments: [0, 1, 125, 126, 65535, 65536, 100_001])
        func `what we write is what the table's frames are`(_ count: Int) {
            var queue = ByteQueue()
            bytes(count).withUnsafeBytes { queue.appendFrame(1, $0, mask: nil) }
            #expect(Array(queue.bytes) == plain(1, bytes(count)))
            queue.removeAll()
            let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
            let word = key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            bytes(count).withUnsafeBytes { queue.appendFrame(1, $0, mask: word) }
            #expect(Array(queue.bytes) == frame(1, bytes(count), mask: key))
        }

        @Test func `mask keys differ`() {
            var keys = MaskKeys()
            #expect(Set((0..<5000).map { _ in keys.next() }).count > 4990)
        }

        @Test func `a byte queue is first in, first out`() {
            var random = SplitMix64(seed: 3)
            var queue = ByteQueue()
            var model: [UInt8] = []
            for step in 0..<3000 {
                let piece = [UInt8](
                    repeating: UInt8(step & 0xFF), count: Int.random(in: 0...900, using: &random))
                piece.withUnsafeBytes { queue.append($0) }
                model += piece
                let taken = Int.random(in: 0...1000, using: &random)
                queue.removeFirst(taken)
                model.removeFirst(min(taken, model.count))
                if step % 50 == 0 { #expect(Array(queue.bytes) == model) }
                #expect(queue.count == model.count)
            }
        }
    }
}
