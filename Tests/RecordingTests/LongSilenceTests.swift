// Hours in which nothing comes are hours of silence, and cost no memory.

import Foundation
import Tape
import Telemetry
import Testing

@testable import Recording

@Suite struct LongSilenceTests {
    @Test func twoHoursComeInPortions() throws {
        var tape = try ScriptedTape()
        tape.frame(0, value: 0x30)
        tape.now = tape.now.adding(milliseconds: 7_200_000)
        try tape.close()
        var parser = TapeParser()
        tape.bytes.withUnsafeBytes { parser.feed($0) }
        guard let header = parser.next() else {
            Issue.record("the tape has no header")
            return
        }
        var fold = try TapeFold(
            header: TapeFold.document(TapeHeader.self, header), at: MonotonicTime(nanoseconds: 1_000_000_000))
        var portions: [Int] = []
        let read: (Int64, Int) throws(RecordingError) -> [UInt8] = { _, _ throws(RecordingError) in [] }
        let emit: (ArraySlice<Int16>, ArraySlice<Int16>) throws(RecordingError) -> Void = {
            left, right throws(RecordingError) in
            #expect(left.count == right.count)
            portions.append(left.count)
        }
        while let record = parser.next() { try fold.take(record, read: read, emit: emit) }
        // The frame's 160 samples and 7,200 s of 8,000.
        let length: Int64 = 160 + 57_600_000
        #expect(try fold.finish(read: read, emit: emit) == length)
        #expect(portions.reduce(0, +) == Int(length))
        #expect(portions.allSatisfy { (1...65_536).contains($0) })
        // However many portions, one hole.
        #expect(fold.facts.missing.map(\.interval) == [Interval(start: 160, length: 57_600_000)])
    }
}
