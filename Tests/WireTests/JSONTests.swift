// JSON made of pieces, byte for byte.

import Testing
import Wire

@Suite struct JSONTests {
    @Test(arguments: [
        ("", #""""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#),
        ("\u{0}\u{1f}\u{7f}", #""\u0000\u001f\u007f""#),
        ("é😀", "\"é😀\""), ("\u{2028}\r\n", #""\u2028\r\n""#),
    ])
    func stringsAreJSON(text: String, json: String) { #expect(JSON.quoted(text) == json) }

    @Test func membersStandInTheOrderGiven() {
        #expect(JSON.object([]) == "{}")
        #expect(JSON.array([]) == "[]")
        #expect(
            JSON.object([("b", JSON.number(Int64.min)), ("a\"", JSON.array(["1", JSON.quoted(nil)]))])
                == #"{"b":-9223372036854775808,"a\"":[1,null]}"#)
        #expect(JSON.number(nil as Int?) == "null")
    }
}
