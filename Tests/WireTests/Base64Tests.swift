// Base64 against the vectors of RFC 4648, 10 and Foundation's coder; JSON writing against Foundation's reader.

import Damage
import Foundation
import Testing
import Wire

private func decode(_ text: String) -> [UInt8]? {
    var output: [UInt8] = [1, 2, 3]
    let isValid = Array(text.utf8).withUnsafeBytes { Base64.decode($0, into: &output) }
    if !isValid { #expect(output.isEmpty) }
    return isValid ? output : nil
}

private func encode(_ bytes: [UInt8]) -> String {
    var output: [UInt8] = []
    bytes.withUnsafeBytes { Base64.encode($0, into: &output) }
    return String(decoding: output, as: UTF8.self)
}

@Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
])
func rfc4648(_ text: String, _ coded: String) {
    #expect(encode(Array(text.utf8)) == coded)
    #expect(decode(coded) == Array(text.utf8))
    // Padding may be missing.
    #expect(decode(coded.replacingOccurrences(of: "=", with: "")) == Array(text.utf8))
}

@Test(arguments: [
    "Z", "Zg=", "Zg===", "=", "==", "====", "Zm9vY", "Zm9vYg=", "Zm=v", "Z=g=", "Zm9v\n", " Zm9v", "Zm 9v",
    "Zm9-",
    "Zm9_", "Zm9v====", "Zg==Zg==", "Zm8=Zm8=", "Zm9é", "Zm9\u{0}", "A===",
])
func refusesWhatIsNotBase64(_ coded: String) { #expect(decode(coded) == nil) }

@Test func every_foreign_byte_is_refused_at_every_place() {
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    for byte in UInt8.min...UInt8.max where !alphabet.contains(byte) {
        for place in 0..<11 {
            var text = Array("Zm9vYmFyZm9".utf8)
            text[place] = byte
            var output: [UInt8] = []
            #expect(!text.withUnsafeBytes { Base64.decode($0, into: &output) }, "\(byte) at \(place)")
        }
    }
}

@Test func every_length_goes_both_ways() {
    var random = SplitMix64(seed: 4648)
    for count in Array(0...300) + [767, 768, 769, 1023, 1024, 1025, 3199, 3200, 30000] {
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let theirs = Data(bytes).base64EncodedString()
        #expect(encode(bytes) == theirs)
        #expect(decode(theirs) == bytes)
    }
}

@Test func the_output_is_replaced_and_reused() {
    var output: [UInt8] = []
    #expect(Array("Zm9vYmFy".utf8).withUnsafeBytes { Base64.decode($0, into: &output) })
    #expect(Array("Zg==".utf8).withUnsafeBytes { Base64.decode($0, into: &output) })
    #expect(output == Array("f".utf8))
}

@Test(arguments: [
    "", "plain", "\"quoted\"", "back\\slash", "a\nb\r\t\u{8}\u{C}\u{0}\u{1F}", "é€😀\u{2028}", "/", "\u{7F}",
])
func strings_survive_writing(_ string: String) throws {
    var output: [UInt8] = []
    JSONWriter.append(string: string, to: &output)
    let read = try JSONSerialization.jsonObject(with: Data(output), options: .fragmentsAllowed)
    #expect(read as? String == string)
    #expect(isJSON(output))
}

@Test(arguments: [0, 1, -1, 10, 99, 100, -1000, Int64.max, Int64.min])
func integers_are_written_in_decimal(_ integer: Int64) {
    var output: [UInt8] = []
    JSONWriter.append(integer: integer, to: &output)
    #expect(String(decoding: output, as: UTF8.self) == String(integer))
}
