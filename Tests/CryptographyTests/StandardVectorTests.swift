// Keyed digests, digests and signatures against the vectors of their standards.

import Cryptography
import Testing

@Suite struct StandardVectorTests {
    /// A case of RFC 2202 §3 (SHA-1) or RFC 4231 §4 (SHA-256); the fifth of RFC 4231 tells 16 bytes only.
    struct Keyed: Sendable, CustomTestStringConvertible {
        var number: Int
        var key: [UInt8]
        var message: [UInt8]
        var sha1: String?
        var sha256: String?
        var testDescription: String { "case \(number)" }
    }

    static let keyed = [
        Keyed(
            number: 1, key: .init(repeating: 0x0B, count: 20), message: Array("Hi There".utf8),
            sha1: "b617318655057264e28bc0b6fb378c8ef146be00",
            sha256: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        Keyed(
            number: 2, key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8),
            sha1: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        Keyed(
            number: 3, key: .init(repeating: 0xAA, count: 20), message: .init(repeating: 0xDD, count: 50),
            sha1: "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
            sha256: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        Keyed(
            number: 4, key: Array(1...25), message: .init(repeating: 0xCD, count: 50),
            sha1: "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
            sha256: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        Keyed(
            number: 5, key: .init(repeating: 0x0C, count: 20), message: Array("Test With Truncation".utf8),
            sha1: "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04",
            sha256: "a3b6167473100ee06e0c796c2955552b"),
        Keyed(
            number: 6, key: .init(repeating: 0xAA, count: 80),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            sha1: "aa4ae5e15272d00e95705637ce8a3b55ed402112"),
        Keyed(
            number: 6, key: .init(repeating: 0xAA, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            sha256: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        Keyed(
            number: 7, key: .init(repeating: 0xAA, count: 80),
            message: Array(
                "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data".utf8),
            sha1: "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"),
        Keyed(
            number: 7, key: .init(repeating: 0xAA, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
            sha256: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    ]

    @Test(arguments: keyed) func keyedDigests(vector: Keyed) throws {
        let key = Secret(vector.key)
        if let expected = vector.sha1 {
            #expect(Hexadecimal.text(try HMAC.sha1(vector.message, key: key)) == expected)
        }
        if let expected = vector.sha256 {
            let code = Hexadecimal.text(try HMAC.sha256(vector.message, key: key))
            #expect(code.count == 64 && code.hasPrefix(expected))
        }
    }

    /// FIPS 180-4's examples, and the empty message.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func digests(message: String, expected: String) throws {
        let digest = try SHA256Digest(of: message.utf8)
        #expect(digest.hex == expected)
        #expect(SHA256Digest(hex: expected) == digest)
        #expect(SHA256Digest(hex: String(expected.dropLast())) == nil)
        #expect(SHA256Digest(bytes: Array(digest.bytes.dropLast())) == nil)
    }

    /// RFC 8032 §7.1: tests 1, 2, 3 and SHA(abc): seed, public key, message, signature.
    static let signatures = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ]

    @Test(arguments: signatures)
    func ed25519(vector: (String, String, String, String)) throws {
        let message = try #require(Hexadecimal.bytes(vector.2))
        let signature = try #require(Hexadecimal.bytes(vector.3))
        let key = try Ed25519PrivateKey(seed: #require(Hexadecimal.bytes(vector.0)))
        #expect(Hexadecimal.text(key.publicKey.bytes) == vector.1)
        #expect(try key.signature(of: message) == signature)
        #expect(try key.publicKey.verifies(signature, of: message))
        #expect(try !key.publicKey.verifies(signature, of: message + [0]))
        for bit in 0..<512 {
            var damaged = signature
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try !key.publicKey.verifies(damaged, of: message))
        }
    }

    @Test func keysOfAnotherLengthAreRefused() throws {
        for count in [0, 31, 33, 44] {
            let bytes = [UInt8](repeating: 1, count: count)
            #expect(throws: CryptographyError.key) { try Ed25519PublicKey(raw: bytes) }
            #expect(throws: CryptographyError.key) { try Ed25519PrivateKey(seed: bytes) }
        }
        let key = try Ed25519PrivateKey(seed: .init(repeating: 7, count: 32))
        for count in [0, 63, 65] {
            #expect(try !key.publicKey.verifies(.init(repeating: 0, count: count), of: []))
        }
        // 32 bytes that are no point of the curve (y = 2: RFC 8032 §5.1.3 finds no root) verify nothing.
        let none = try Ed25519PublicKey(raw: [2] + .init(repeating: 0, count: 31))
        #expect(try !none.verifies(key.signature(of: [1]), of: [1]))
    }
}
