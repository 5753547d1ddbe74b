// A log whose reader is slow, stands still, or is gone.

import Foundation
import Glibc
import Testing

@testable import Telemetry

@Suite(.serialized) struct LogWriterTests {
    /// A pipe's two ends.
    private func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    /// All that comes from `descriptor` until it `isAll`, at most for 20 s, and what comes right behind it.
    private func drain(_ descriptor: Int32, until isAll: (String) -> Bool) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var wish = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let began = MonotonicTime.now
        var text = ""
        while true {
            let ready = poll(&wish, 1, isAll(text) ? 100 : 1000)
            if ready > 0 {
                let count = read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                bytes += buffer[..<count]
                text = String(decoding: bytes, as: UTF8.self)
            } else if isAll(text) || MonotonicTime.now.milliseconds(since: began) >= 20_000 {
                break
            }
        }
        return text
    }

    /// How many lines are told as lost.
    private func lost(_ lines: [Substring]) -> [Int] {
        lines.compactMap { line -> Int? in
            guard line.contains("\"log_lines_lost\""), let tail = line.split(separator: ":").last else {
                return nil
            }
            return Int(tail.dropLast())
        }
    }

    @Test func `lines come whole and in their order`() throws {
        let ends = try pipe()
        let writer = LogWriter(descriptor: ends.write)
        let lines = (0..<1000).map { "line \($0)" }
        for line in lines { writer.write(line) }
        let expected = lines.map { $0 + "\n" }.joined()
        #expect(drain(ends.read) { $0.utf8.count >= expected.utf8.count } == expected)
        #expect(writer.flush(milliseconds: 20_000))
        close(ends.write)
        close(ends.read)
    }

    /// A pipe holds 64 KiB (pipe(7)); the rest of 20 MB stands in line up to the bound, and beyond it is counted.
    @Test func `a reader that stands still holds up nobody, and what it misses is counted`() throws {
        let ends = try pipe()
        let writer = LogWriter(descriptor: ends.write, bytes: 100_000)
        let line = String(repeating: "x", count: 199)
        let began = MonotonicTime.now
        for _ in 0..<100_000 { writer.write(line) }
        // Whom it holds up waits for ever.
        #expect(MonotonicTime.now.milliseconds(since: began) < 20_000)
        #expect(!writer.flush(milliseconds: 20))
        // Until every line is there or told as lost.
        let text = drain(ends.read) { text in
            let lines = text.split(separator: "\n")
            return lines.filter { $0 == line }.count + lost(lines).reduce(0, +) >= 100_000
        }
        let lines = text.split(separator: "\n")
        let whole = lines.filter { $0 == line }.count
        // The pipe, what was being written and what stood in line.
        #expect((300...2_000).contains(whole))
        let told = lost(lines)
        #expect(told.reduce(0, +) == 100_000 - whole)
        #expect(lines.count == whole + told.count)
        writer.write("afterwards")
        #expect(drain(ends.read) { $0.hasSuffix("\n") } == "afterwards\n")
        close(ends.write)
        close(ends.read)
    }

    @Test func `a reader that is gone is no trouble`() throws {
        signal(SIGPIPE, SIG_IGN)
        let ends = try pipe()
        close(ends.read)
        let writer = LogWriter(descriptor: ends.write)
        for _ in 0..<1000 { writer.write("nobody") }
        #expect(writer.flush(milliseconds: 20_000))
        close(ends.write)
    }
}
