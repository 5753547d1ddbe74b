// Identifiers, instants, digests and places, by tables.

import Testing

@testable import Archive

@Suite struct ValueTests {
    @Test(
        arguments: [
            (0, 0, 0, "00000000000000000000000000"), (0, 0, 1, "00000000000000000000000001"),
            (0, 0, 31, "0000000000000000000000000z"), (0, 0, 32, "00000000000000000000000010"),
            (1, 0, 0, "00000000010000000000000000"),
            // The ULID specification's largest time: 7ZZZZZZZZZ.
            ((1 << 48) - 1, 0xffff, .max, "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            // The specification's example of encodeTime: 1469918176385 is 01ARYZ6S41.
            (1_469_918_176_385, 0, 0, "01aryz6s410000000000000000"),
            (-5, 0, 0, "00000000000000000000000000"), (.max, 0, 0, "7zzzzzzzzz0000000000000000"),
        ] as [(Int64, UInt16, UInt64, String)])
    func identifiersAreULIDs(milliseconds: Int64, high: UInt16, low: UInt64, expected: String) {
        #expect(CallID.make(milliseconds: milliseconds, high: high, low: low) == expected)
        #expect(CallID.isValid(expected))
    }

    @Test func newIdentifiersDifferAndAreValid() {
        let made = (0..<1000).map { _ in CallID.make() }
        #expect(Set(made).count == 1000)
        #expect(made.allSatisfy { CallID.isValid($0) })
    }

    @Test(arguments: [
        "", "0", "8zzzzzzzzzzzzzzzzzzzzzzzzz", "01ARYZ6S410000000000000000", "01aryz6s41000000000000000i",
        "01aryz6s41000000000000000/", "01aryz6s4100000000000000000", "../aryz6s41000000000000000",
        "01aryz6s4100000000000000é",
    ])
    func othersAreNot(text: String) { #expect(!CallID.isValid(text)) }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_000_000_000_000_001, "2001-09-09T01:46:40.000001Z"),
            (2_147_483_648_000_000, "2038-01-19T03:14:08.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-2_208_988_800_000_000, "1900-01-01T00:00:00.000000Z"),
        ] as [(Int64, String)])
    func instantsAreText(microseconds: Int64, text: String) {
        #expect(ArchiveTime.rfc3339(microseconds) == text)
        #expect(ArchiveTime.parse(text) == microseconds)
    }

    @Test(arguments: [Int64.min, Int64.min + 1, Int64.max])
    func theFarthestInstantsDoNotTrap(microseconds: Int64) {
        #expect(ArchiveTime.rfc3339(microseconds).hasSuffix("Z"))
    }

    @Test func everyDayIsReadBack() {
        for day in stride(from: -40000, through: 60000, by: 1) as StrideThrough<Int64> {
            let instant = day * 86_400_000_000
            let (year, month, dayOfMonth) = ArchiveTime.date(instant)
            #expect(ArchiveTime.instant(year: year, month: month, day: dayOfMonth) == instant)
        }
    }

    @Test(
        arguments: [
            ("2026-11-21", 1_795_219_200_000_000), ("2026-11-21T01:00:00+01:00", 1_795_219_200_000_000),
            ("2026-11-20t19:00:00.5-05:00", 1_795_219_200_500_000),
            ("2026-11-21 00:00:00.1234567z", 1_795_219_200_123_456),
            ("2026-11-21T00:00:00", nil), ("2026-02-29", nil), ("2026-13-01", nil), ("2026-1-01", nil),
            ("2026-11-21T24:00:00Z", nil), ("2026-11-21T00:00:00.Z", nil), ("2026-11-21T00:00:00+1", nil),
            ("", nil),
            ("2026-11-21T00:00:00ZZ", nil), ("-026-11-21", nil), ("99999999999999999999", nil),
            ("2026-11-00", nil),
        ] as [(String, Int64?)])
    func instantsAreRead(text: String, expected: Int64?) { #expect(ArchiveTime.parse(text) == expected) }

    // FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func digestsAreSHA256(text: String, hex: String) {
        let bytes = Array(text.utf8)
        #expect(Digest.sha256(bytes).hex == hex)
        let running = Digest.Running()
        for byte in bytes { withUnsafeBytes(of: byte) { running.update($0) } }
        #expect(running.finish().hex == hex)
    }

    @Test func placesStayInTheStorage() throws {
        let layout = StorageLayout(root: "/var/lib/x//")
        #expect(layout.root == "/var/lib/x")
        let name = "01aryz6s410000000000000000"
        #expect(
            try layout.recording(name, startedAt: 1_469_918_176_385_000)
                == "recordings/2016/07/30/\(name).mp3")
        #expect(
            try layout.temporaryRecording(name, startedAt: 0) == "recordings/1970/01/01/\(name).mp3.part")
        #expect(try layout.tape(name) == "tapes/\(name).tape")
        for bad in ["", "..", "../../etc/passwd", "a/b"] {
            #expect(throws: ArchiveError.badValue(field: "id")) { try layout.recording(bad, startedAt: 0) }
            #expect(throws: ArchiveError.badValue(field: "id")) { try layout.tape(bad) }
        }
    }
}
