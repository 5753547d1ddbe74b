// SHA-256 against the examples of its standard.

import Cryptography
import Testing

@Test(arguments: [
    // FIPS 180-2, appendix B.1 and B.2, and the digest of nothing.
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
])
func sha256OfTheStandardsExamples(_ text: String, _ digest: String) {
    let hex = SHA256.hash(text.utf8).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(hex == digest)
}
