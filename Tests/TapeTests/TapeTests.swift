// The tape's format: checksums of the standard, round trips, every cut, every damaged byte.

import Tape
import Telemetry
import Testing

@Suite struct CRC32CTests {
    /// RFC 3720, appendix B.4. The last is a whole iSCSI read command.
    @Test(
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            ([UInt8](0..<32), 0x46DD_794E), ((0..<32).map { 31 - $0 }, 0x113F_DB5C),
            (
                [
                    0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0,
                    0, 0x14, 0,
                    0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
                ], 0xD996_3A56
            ),
        ] as [([UInt8], UInt32)])
    func vectors(bytes: [UInt8], checksum: UInt32) {
        #expect(bytes.withUnsafeBytes { CRC32C.checksum($0) } == checksum)
    }

    /// A plain bit by bit division is the same, at every length and alignment.
    @Test(arguments: 0...40) func likeTheDefinition(length: Int) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 73 &+ 11) }
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1 }
        }
        #expect(bytes.withUnsafeBytes { CRC32C.checksum($0) } == ~crc)
    }
}

@Suite struct TapeFormatTests {
    /// One record of every kind, with payloads of odd lengths.
    static func tape() -> (bytes: [UInt8], ends: [Int]) {
        var batch = TapeBatch()
        var bytes = TapeLayout.magic
        var ends = [bytes.count]
        for kind in TapeKind.allCases {
            batch.append(
                kind, at: MonotonicTime(nanoseconds: Int64(kind.rawValue) * 1_000_003),
                position: Int64(kind.rawValue) * 160, turn: kind == .agentMedia ? -7 : nil,
                payload: (0..<UInt8(kind.rawValue) * 3).map { $0 })
            bytes += batch.take()
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    static func records(_ bytes: ArraySlice<UInt8>, step: Int = .max) -> (
        records: [TapeRecord], parser: TapeParser
    ) {
        var parser = TapeParser()
        var records: [TapeRecord] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let end = min(bytes.endIndex, step == .max ? bytes.endIndex : at + step)
            bytes[at..<end].withUnsafeBytes { parser.feed($0) }
            while let record = parser.next() { records.append(record) }
            at = end
        }
        return (records, parser)
    }

    @Test(arguments: [1, 2, 3, 7, 24, 64, 1_000]) func roundTripHoweverCut(step: Int) {
        let (bytes, _) = Self.tape()
        let (records, parser) = Self.records(bytes[...], step: step)
        #expect(records.map(\.kind) == TapeKind.allCases)
        for record in records {
            let number = Int64(record.kind.rawValue)
            #expect(record.time.nanoseconds == number * 1_000_003 && record.position == number * 160)
            let body = record.kind == .agentMedia ? record.body : record.payload
            #expect(Array(body) == (0..<UInt8(number) * 3).map { $0 })
            if record.kind == .agentMedia { #expect(record.turn == -7) }
        }
        #expect(parser.validBytes == Int64(bytes.count) && parser.pendingBytes == 0 && !parser.isDamaged)
    }

    /// Cut anywhere, exactly the whole records before the cut are there.
    @Test func everyCut() {
        let (bytes, ends) = Self.tape()
        for cut in 0...bytes.count {
            let (records, parser) = Self.records(bytes[..<cut])
            let whole = ends.filter { $0 <= cut }.count
            #expect(records.count == max(0, whole - 1))
            #expect(parser.validBytes == Int64(ends.last { $0 <= cut } ?? 0))
            #expect(!parser.isDamaged)
        }
    }

    /// One wrong bit anywhere: nothing of its record or after it is believed.
    @Test(arguments: 0..<8) func everyDamagedByte(bit: Int) {
        let (bytes, ends) = Self.tape()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(bit)
            let (records, parser) = Self.records(damaged[...])
            let before = ends.filter { $0 <= index }.count
            #expect(records.count == max(0, before - 1))
            #expect(parser.isDamaged || parser.pendingBytes > 0)
        }
    }

    @Test func aRecordOfAnUnknownKindIsPassedOver() {
        var (bytes, ends) = Self.tape()
        bytes[ends[1] + 4] = 200
        let body = ends[1]..<ends[2] - TapeLayout.suffix
        let checksum = bytes[body].withUnsafeBytes { CRC32C.checksum($0) }
        withUnsafeBytes(of: checksum.littleEndian) {
            bytes.replaceSubrange(ends[2] - 4..<ends[2], with: Array($0))
        }
        #expect(Self.records(bytes[...]).records.count == TapeKind.allCases.count - 1)
    }

    @Test func anAbsurdLengthIsDamage() {
        var bytes = TapeLayout.magic
        bytes += [0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 40)
        let (records, parser) = Self.records(bytes[...])
        #expect(records.isEmpty && parser.isDamaged)
    }
}
