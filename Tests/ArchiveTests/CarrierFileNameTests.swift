// Names of files from carriers' identifiers: one underscore for each scalar, never longer than a file system takes.

import Testing

@testable import Archive

@Suite struct CarrierFileNameTests {
    @Test(arguments: [
        ("CA0123abc", "CA0123abc"), ("v3:a+b/c", "v3_a_b_c"), ("../../etc", ".._.._etc"),
        ("\u{E9} \u{FC}", "___"), ("a.b_c-d", "a.b_c-d"), ("", ""), ("a\0b\nc", "a_b_c"),
        // A letter and its accent are one character of two scalars; so are CR and LF; a family is one of five.
        ("e\u{301}x", "e_x"), ("a\r\nb", "a__b"), ("\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}z", "_____z"),
        ("\u{FF21}\u{0661}", "__"), ("x\u{301}", "x_"), ("\u{301}x", "_x"),
    ])
    func names(id: String, name: String) { #expect(CarrierFileName.name(of: id) == name) }

    @Test(arguments: [0, 200, 201, 250, 251, 400])
    func aNameWithItsEndingFitsAFileSystem(count: Int) {
        for letter in ["x", "\u{E9}", "\u{1F468}"] {
            let id = String(repeating: letter, count: count)
            let name = CarrierFileName.name(of: id)
            #expect(name.utf8.count == min(count, 250))
            #expect(CarrierFileName.isCut(id) == (count > 250))
            // 26 characters of ours behind a dash.
            let unique = CarrierFileName.unique(id, id: ours)
            #expect(unique.utf8.count == (count == 0 ? 26 : min(count, 223) + 27))
            #expect(unique.hasSuffix(ours))
        }
    }

    private let ours = CallID.make(milliseconds: 1, high: 0, low: 7)
}
