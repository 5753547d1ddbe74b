// Secrets are not shown, tokens are not guessed.

@testable import Cryptography
import Testing

@Suite struct SecrecyTests {
    /// Everything a value shows of itself.
    private func shown(_ value: some Any) -> String {
        var text = "\(value)" + String(reflecting: value)
        dump(value, to: &text)
        return text
    }

    @Test func nothingIsShown() throws {
        let shown = shown(Secret("open sesame"))
        #expect(!shown.contains("sesame") && !shown.contains("111"))
        #expect(!self.shown([("a", Secret("open sesame"))]).contains("sesame"))
        let key = try Ed25519PrivateKey(seed: .init(repeating: 0xA7, count: 32))
        #expect(!self.shown(key).contains("167, 167"))
        #expect(!self.shown(key).contains("- 167\n      - 167\n      - 167"))
    }

    @Test func secretsCompare() {
        #expect(Secret("a") == Secret([0x61]))
        #expect(Secret("a") != Secret("b"))
        #expect(Secret("").isEmpty && !Secret("a").isEmpty)
    }

    /// RFC 4648 §10's vectors without padding, and the two characters in which base64url differs (§5).
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func base64URL(plain: String, coded: String) { #expect(RandomToken.text(Array(plain.utf8)) == coded) }

    @Test func tokensAreForURLsAndDiffer() throws {
        #expect(RandomToken.text([0xFB, 0xFF, 0xBF]) == "-_-_")
        var seen: Set<String> = []
        for _ in 0..<1000 { seen.insert(try RandomToken.make()) }
        let sound = seen.count { token in
            token.utf8.count == 43
                && token.utf8.allSatisfy { "-_".utf8.contains($0) || Self.isAlphanumeric($0) }
        }
        #expect(sound == 1000)
        #expect(seen.count == 1000)
        #expect(try RandomToken.bytes(0).isEmpty)
        #expect(throws: CryptographyError.random) { try RandomToken.bytes(-1) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    @Test func hexadecimal() {
        #expect(Hexadecimal.text([0x00, 0x9F, 0xFF]) == "009fff")
        #expect(Hexadecimal.bytes("009FfF") == [0x00, 0x9F, 0xFF])
        for text in ["0", "0g", " 00", "00\n", "é0"] { #expect(Hexadecimal.bytes(text) == nil) }
    }
}
