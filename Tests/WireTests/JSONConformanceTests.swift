// The grammar of RFC 8259: what is JSON, what is not, and what strings and numbers mean.

import Testing
import Wire

/// Whether the whole of `bytes` is one JSON text.
func isJSON(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        return scanner.value() != nil && scanner.finish()
    }
}

/// The string that `json` is, decoded.
private func string(_ json: String, limit: Int = 1000) -> String? {
    Array(json.utf8).withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        let value = scanner.value()
        return scanner.finish() ? value?.text?.string(limit: limit) : nil
    }
}

/// The integer that `json` is.
private func integer(_ json: String) -> Int64? {
    Array(json.utf8).withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        let value = scanner.value()
        return scanner.finish() ? value?.integer : nil
    }
}

@Test(arguments: [
    "{}", "[]", "0", "-0", "1", "-1", "10", "1.5", "-1.5e10", "1E+2", "1e-2", "0.0", "0e0", "\"\"", "true",
    "false",
    "null", " {} ", "\t\r\n[ ]\n", "{\"a\":1}", "{\"a\":1,\"a\":2}", "{\"\":{}}", "[1,2,3]", "[[[]],{}]",
    "[ 1 , 2 ]", "{ \"a\" : [ ] , \"b\" : { } }", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\"",
    "\"\\uD83D\\uDE00\"", "\"\\ud800\"", "\"é€😀\"", "\"\u{7F}\"", "[null,true,false,\"x\",1,{},[]]",
    "123456789012345678901234567890", "1e999", "\"\\u0000\"",
])
func accepts(_ json: String) { #expect(isJSON(Array(json.utf8))) }

@Test(arguments: [
    "", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{'a':1}", "{1:1}", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "01", "-", "-01", "+1", ".5", "1.", "1.e5",
    "1e",
    "1e+", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "tru", "True", "TRUE", "nul", "truefalse",
    "true1",
    "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\u\"", "\"\\", "\"a\nb\"",
    "\"a\u{0}b\"",
    "\"a\tb\"", "{} {}", "{}x", "{}\u{0}", "[]]", "{}}", "1 2", "\"a\"\"b\"", "/**/{}", "{}//",
    "{\"a\":1}garbage",
    "\u{FEFF}{}", "{\"a\":1,\"b\"", "{\"a\":[1,{\"b\":2]}}", "[1}", "\u{B}1", "\u{A0}1", "hello", "--1",
    "1-1", "{\"a\":1]",
])
func refuses(_ json: String) { #expect(!isJSON(Array(json.utf8))) }

/// RFC 3629, 4: overlong forms, surrogates, values beyond U+10FFFF, stray and missing continuation bytes.
@Test(
    arguments: [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE2, 0x82],
        [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xFF],
        [0xF0, 0x9F, 0x98], [0xE2, 0x28, 0xA1],
    ] as [[UInt8]])
func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
    #expect(!isJSON([0x22] + bytes + [0x22]))
    #expect(!isJSON([0x22] + [UInt8](repeating: 0x61, count: 15) + bytes + [0x22]))
    #expect(!isJSON([0x22] + bytes))
}

/// The scanner reads eight bytes at a time: every byte at every place of three such words.
@Test func every_byte_at_every_place() {
    for byte in UInt8.min...UInt8.max {
        // Alone in a string a control character, a backslash, a quote and half a sequence are not JSON.
        let isFine = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
        for place in 0..<24 {
            var text = [UInt8](repeating: 0x78, count: 24)
            text[place] = byte
            #expect(isJSON([0x22] + text + [0x22]) == isFine, "\(byte) at \(place)")
        }
    }
}

@Test func every_scalar_of_utf8_passes() {
    for value in stride(from: UInt32(0x20), through: 0x10FFFF, by: 61) {
        guard let scalar = Unicode.Scalar(value), scalar != "\"", scalar != "\\" else { continue }
        let text = String(Character(scalar))
        #expect(string("\"\(text)\"") == text)
    }
}

@Test(arguments: [
    ("\"\\u0041b\"", "Ab"), ("\"\\uD83D\\uDE00\"", "😀"), ("\"\\u20ac\\u00e9\"", "€é"),
    ("\"\\ud800\"", "\u{FFFD}"),
    ("\"\\udc00x\"", "\u{FFFD}x"), ("\"\\ud800\\ud800\\udc00\"", "\u{FFFD}\u{10000}"),
    ("\"\\ud800\\n\"", "\u{FFFD}\n"),
    ("\"\\/\\\\\\\"\\b\\f\\n\\r\\t\"", "/\\\"\u{8}\u{C}\n\r\t"), ("\"\\uDBFF\\uDFFF\"", "\u{10FFFF}"),
    ("\"\\u0000\"", "\u{0}"), ("\"plain\"", "plain"),
])
func decodesStrings(_ json: String, _ text: String) { #expect(string(json) == text) }

@Test func texts_are_bounded_after_decoding() {
    #expect(string("\"abcd\"", limit: 4) == "abcd")
    #expect(string("\"abcde\"", limit: 4) == nil)
    #expect(string("\"\\u0041\\u0041\"", limit: 2) == "AA")
    #expect(string("\"\\u0041\\u0041\\u0041\"", limit: 2) == nil)
    #expect(string("\"\\u20ac\"", limit: 2) == nil)
    #expect(string("\"\\u20ac\"", limit: 3) == "€")
}

@Test(
    arguments: [
        ("0", 0), ("-0", 0), ("42", 42), ("\"42\"", 42), ("\"-7\"", -7), ("9223372036854775807", Int64.max),
        ("-9223372036854775808", Int64.min), ("8000.0", 8000), ("\"007\"", 7),
    ] as [(String, Int64)])
func readsIntegers(_ json: String, _ value: Int64) { #expect(integer(json) == value) }

@Test(arguments: [
    "9223372036854775808", "-9223372036854775809", "99999999999999999999999999", "1.5", "1e3", "\"\"",
    "\"-\"",
    "\"1.0\"", "\" 1\"", "\"1 \"", "\"+1\"", "\"0x1\"", "\"abc\"", "null", "true", "{}", "[1]", "\"\\u0031\"",
])
func refusesIntegers(_ json: String) { #expect(integer(json) == nil) }

@Test(arguments: [(64, true), (65, false), (100_000, false)])
func depth_is_bounded(_ depth: Int, _ accepted: Bool) {
    let arrays = [UInt8](repeating: 0x5B, count: depth) + [UInt8](repeating: 0x5D, count: depth)
    #expect(isJSON(arrays) == accepted)
    let open = Array("{\"a\":".utf8)
    let objects = (0..<depth).flatMap { _ in open } + [0x30] + [UInt8](repeating: 0x7D, count: depth)
    #expect(isJSON(objects) == accepted)
}

@Test func members_are_walked_in_place() throws {
    let json = Array("{\"b\":[1,\"two\",{\"x\":null}], \"\\u0061\" : {\"k\":true} ,\"a\":9}".utf8)
    try json.withUnsafeBytes { raw in
        let whole = JSONContainer(bytes: raw)
        // Of two members of the same name the first counts, however it is spelled.
        #expect(whole.member("a")?.object?.member("k")?.bool == true)
        #expect(whole.member("c") == nil)
        var list = try #require(whole.member("b")?.array?.scanner())
        var elements: [JSONValue] = []
        let entered = list.enterArray()
        while list.nextElement(), let element = list.value() { elements.append(element) }
        let ended = list.finish()
        #expect(entered && ended && elements.count == 3)
        #expect(elements[0].integer == 1)
        #expect(elements[1].text?.equals("two") == true)
        #expect(elements[2].object?.member("x")?.isNull == true)
    }
}

@Test(arguments: ["[1,]", "[,1]", "[1 2]", "[1", "[1,2}"])
func walking_an_array_is_as_strict(_ json: String) {
    Array(json.utf8).withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        let entered = scanner.enterArray()
        while scanner.nextElement(), scanner.value() != nil {}
        let ended = scanner.finish()
        #expect(entered && !ended)
    }
}

@Test(arguments: [
    "{\"a\":1,}", "{,}", "{\"a\" 1}", "{\"a\":1", "{\"a\":1]", "{\"a\":1}{", "{a:1}", "{\"a\":1 \"b\":2}",
])
func walking_an_object_is_as_strict(_ json: String) {
    Array(json.utf8).withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        let entered = scanner.enterObject()
        while scanner.nextMember() != nil, scanner.value() != nil {}
        let ended = scanner.finish()
        #expect(entered && !ended)
    }
}

@Test func labels_are_safe_to_log() {
    let json = Array("\"new\\n event\\u001b\u{E9}.x-1_2\(String(repeating: "y", count: 100))\"".utf8)
    json.withUnsafeBytes { raw in
        var scanner = JSONScanner(raw)
        let label = scanner.value()?.text?.label ?? ""
        #expect(label.utf8.count == 64)
        #expect(label.hasPrefix("new_n_event_u001b__.x-1_2y"))
    }
}
