// What a peer sent cannot command the terminal of whoever looks at it.

import Foundation
import Testing

@testable import Archive
@testable import teeline

@Suite struct ShownTextTests {
    // ECMA-48: ESC, BEL, CSI as one character (U+009B), NEL; Unicode Annex 9: overrides, isolates and marks.
    @Test(arguments: [
        ("CA\u{1B}]0;pwned\u{7}\u{1B}[31mRED", #"CA\u{1B}]0;pwned\u{7}\u{1B}[31mRED"#),
        ("a\nb", #"a\u{A}b"#), ("a\r\nb", #"a\u{D}\u{A}b"#), ("a\0b", #"a\u{0}b"#), ("a\tb", #"a\u{9}b"#),
        ("\u{7F}\u{80}\u{85}\u{9B}31m\u{9F}", #"\u{7F}\u{80}\u{85}\u{9B}31m\u{9F}"#),
        ("\u{202E}gpj.exe", #"\u{202E}gpj.exe"#),
        ("\u{2066}\u{2069}\u{200F}\u{61C}", #"\u{2066}\u{2069}\u{200F}\u{61C}"#),
        ("\u{2028}\u{2029}", #"\u{2028}\u{2029}"#), ("+15550100", "+15550100"),
        ("Grüße, 你好 שלום 👩‍👩‍👧 é", "Grüße, 你好 שלום 👩‍👩‍👧 é"), ("\u{A0}\u{20}~", "\u{A0}\u{20}~"),
    ])
    func controlCharactersAreWrittenOut(text: String, shown: String) {
        #expect(Array(ShownText.of(text).utf8) == Array(shown.utf8))
        #expect(!ShownText.lines(text).unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }

    @Test func lineFeedsOfOurOwnStay() { #expect(ShownText.lines("a\n\u{1B}b") == "a\n\\u{1B}b") }

    @Test func aTableKeepsItsShape() {
        let lines = TextTable.lines(head: ["A", "B"], rows: [["x\ny", "1"], ["\u{1B}[2J", "2\0"]])
        #expect(lines == ["A          B", #"x\u{A}y    1"#, #"\u{1B}[2J  2\u{0}"#])
    }

    @Test func whatWasSaidIsShownLikewise() {
        let call = CallRow(id: CallID.make(), carrier: "twilio", carrierCallID: "CA1", startedAt: 0)
        let turn = TurnRow(role: .caller, text: "Hi\u{1B}[8m", startSamples: 0, endSamples: 0)
        let detail = RecordingDetail(
            call: call, recording: RecordingRow(callID: call.id, state: .sealed), turns: [turn], events: [])
        #expect(RecordingText.turns(detail)[0].hasSuffix(#"Hi\u{1B}[8m"#))
    }

    /// The program itself: neither tables, transcripts, lines nor errors pass a control character on.
    @Test(
        arguments: [
            (["recordings", "list"], #"CA\u{1B}]0;pwned\u{7}\u{1B}[31mRED\u{202E}\u{9B}1m\u{A}"#),
            (["recordings", "show", "ID"], #"CA\u{1B}]0;pwned\u{7}\u{1B}[31mRED\u{202E}\u{9B}1m\u{A}"#),
            (["recordings", "show", "ID"], #"Good \u{1B}[5mday"#),
            (["recordings", "download", "ID", "--output", "a\u{1B}[31m"], #"a\u{1B}[31m  1 B"#),
            (["recordings\u{1B}[31m"], #"unknown command 'recordings\u{1B}[31m'"#),
        ] as [([String], String)])
    func theProgramPassesNoneOn(words: [String], shown: String) throws {
        let small = try SmallArchive()
        let id = try small.seal(
            "CA\u{1B}]0;pwned\u{7}\u{1B}[31mRED\u{202E}\u{9B}1m\n", [1], text: "Good \u{1B}[5mday")
        let program = try FinishedProgram(
            words.map { $0 == "ID" ? id : $0 } + ["--storage", small.storage], in: small.folder)
        for scalar in (program.output + program.errors).unicodeScalars {
            let isCommand =
                (scalar.value < 0x20 && scalar != "\n") || (0x7F...0x9F).contains(scalar.value)
                || scalar == "\u{202E}"
            #expect(!isCommand)
        }
        #expect((program.output + program.errors).contains(shown))
        // JSON is escaped by its own rules and stays JSON.
        let json = try FinishedProgram(
            ["recordings", "list", "--json", "--storage", small.storage], in: small.folder)
        #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json.output.utf8)) }
    }
}
