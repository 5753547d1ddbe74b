// Texts for people: columns, times, sizes, addresses, findings.

@testable import Archive
import Carriers
import Simulator
import Testing

@testable import teeline

@Suite struct TextTests {
    @Test(
        arguments: [
            (0, "0.0 s"), (99, "0.0 s"), (100, "0.1 s"), (59_999, "59.9 s"), (60_000, "1:00.0"),
            (61_500, "1:01.5"),
            (3_599_900, "59:59.9"), (3_600_000, "1:00:00.0"), (3_723_400, "1:02:03.4"),
            (36_000_000, "10:00:00.0"),
            (-5, "0.0 s"),
        ] as [(Int64, String)])
    func times(milliseconds: Int64, text: String) { #expect(TextTable.time(milliseconds) == text) }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1_048_576, "1.0 MiB"),
            (1_073_741_824, "1.0 GiB"), (1_099_511_627_776, "1.0 TiB"),
        ] as [(Int64, String)])
    func sizes(bytes: Int64, text: String) { #expect(TextTable.size(bytes) == text) }

    @Test(
        arguments: [
            (0.0, 1, "0.0"), (1.25, 1, "1.3"), (-1.25, 1, "-1.3"), (2.0, 0, "2"), (0.05, 2, "0.05"),
            (-0.01, 1, "0.0"),
            (.nan, 1, "-"), (.infinity, 1, "-"), (9.99, 1, "10.0"),
        ] as [(Double, Int, String)])
    func decimals(value: Double, digits: Int, text: String) {
        #expect(TextTable.decimal(value, digits: digits) == text)
    }

    @Test(
        arguments: [(0, 8000, 0), (8000, 8000, 1000), (7, 8000, 0), (8, 8000, 1), (5, 0, 0)]
            as [(Int64, Int, Int64)])
    func samples(count: Int64, rate: Int, milliseconds: Int64) {
        #expect(TextTable.milliseconds(count, rate: rate) == milliseconds)
    }

    @Test func columns() {
        let lines = TextTable.lines(head: ["A", "LONG"], rows: [["xyz", "1"], ["é", "22"]])
        #expect(lines == ["A    LONG", "xyz  1", "é    22"])
    }

    @Test(
        arguments: [
            ("", 5, [""]), ("ab cd ef", 5, ["ab cd", "ef"]), ("abcdefgh", 5, ["abcdefgh"]),
            ("a abcdefgh b", 5, ["a", "abcdefgh", "b"]),
        ] as [(String, Int, [String])])
    func wrapping(text: String, width: Int, lines: [String]) {
        #expect(TextTable.wrapped(text, width: width) == lines)
    }

    @Test(
        arguments: [
            ("ws://h:1", Carrier.twilio, false, "ws://h:1/twilio/media-stream"),
            ("ws://h:1/", .telnyx, false, "ws://h:1/media-stream"),
            ("http://h:1", .exotel, true, "ws://h:1/media"),
            ("https://h", .twilio, true, "wss://h/twilio/media-stream"),
            ("wss://h/own", .telnyx, false, "wss://h/own"), ("wss://h/own", .telnyx, true, nil),
            ("wss://h/stream", .telnyx, true, "wss://h/stream"), ("wss://h/media", .exotel, true, nil),
            ("ftp://h", .twilio, false, nil), ("h:1", .twilio, false, nil), ("", .twilio, false, nil),
        ] as [(String, Carrier, Bool, String?)])
    func addresses(url: String, carrier: Carrier, isMix: Bool, address: String?) {
        #expect(SimulateCommand.address(url, for: carrier, isMix: isMix) == address)
    }

    @Test(arguments: [
        (200, DoctorFinding.Grade.ok), (401, .fail), (403, .fail), (404, .fail), (422, .fail), (429, .warn),
        (500, .fail),
    ])
    func signedURLStatuses(status: Int, grade: DoctorFinding.Grade) {
        let finding = AgentChecks.judged(status: status)
        #expect(finding.grade == grade)
        #expect(finding.remedy.isEmpty == (grade == .ok))
    }

    @Test func findingsHaveTheirRemedyBelow() {
        let lines = DoctorCommand.lines(.fail("disk", "full", "free some"))
        #expect(lines == ["FAIL  disk           full", "                     → free some"])
    }

    @Test(arguments: [("/a/b/c", "/"), ("/tmp/nowhere/x", "/tmp"), ("storage", "."), ("/x", "/")])
    func foldersAbove(path: String, folder: String) {
        #expect(StorageChecks.nearestFolder(above: path) == folder)
    }

    @Test func aCutTurnShowsWhatWasHeard() {
        var call = CallRow(id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 0)
        call.rate = 8000
        let turn = TurnRow(
            role: .agent, text: "One two three four", heardText: "One two", startSamples: 8000,
            endSamples: 16_000, generatedMilliseconds: 4000, heardMilliseconds: 1000, interrupted: true)
        let whole = TurnRow(role: .caller, text: "Yes.", heardText: "Yes.", startSamples: 0, endSamples: 4000)
        let detail = RecordingDetail(
            call: call, recording: RecordingRow(callID: call.id, state: .sealed), turns: [whole, turn],
            events: [])
        #expect(
            RecordingText.turns(detail) == [
                "caller 0.0 s   0.5 s   Yes.",
                "agent  1.0 s   2.0 s   One two | three four (cut off: 1.0 s of 4.0 s heard)",
            ])
    }
}
