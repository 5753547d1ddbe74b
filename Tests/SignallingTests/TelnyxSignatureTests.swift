// Telnyx's signatures: every vector both ways, the tolerance to the second, and repeated deliveries.

import Cryptography
import Foundation
import Signalling
import Testing

@Suite struct TelnyxSignatureTests {
    /// The vectors' key and messages.
    private struct Vectors {
        var key: Ed25519PrivateKey
        var publicKey: String
        var telnyx: TelnyxSignature
        var messages: [(body: [UInt8], signature: String, timestamp: String, seconds: Int64)] = []

        init() throws {
            let file = try SignatureVectors.object("telnyx_signature_vectors")
            let seed = try #require(try Data(base64Encoded: file.text("private_seed_base64")))
            key = try Ed25519PrivateKey(seed: Array(seed))
            publicKey = try file.text("public_key_base64_raw32")
            telnyx = try TelnyxSignature(publicKeys: [publicKey])
            for vector in try #require(file["vectors"] as? [JSONDictionary]) {
                let headers = try #require(vector["headers"] as? [String: String])
                let timestamp = try #require(headers[TelnyxSignature.timestampHeader])
                messages.append(
                    (
                        Array(try vector.text("raw_body").utf8),
                        try #require(headers[TelnyxSignature.header]), timestamp,
                        try #require(Int64(timestamp))
                    ))
            }
        }
    }

    @Test func everyVectorBothWays() throws {
        let vectors = try Vectors()
        #expect(vectors.messages.count == 3)
        #expect(Data(vectors.key.publicKey.bytes).base64EncodedString() == vectors.publicKey)
        for message in vectors.messages {
            let signed = try TelnyxSignature.sign(body: message.body, at: message.seconds, key: vectors.key)
            #expect(signed == (message.signature, message.timestamp))
            try vectors.telnyx.verify(
                body: message.body, signature: message.signature, timestamp: message.timestamp,
                at: (message.seconds + 5) * 1000)
        }
    }

    /// 300 s pass in both directions, 301 do not (carriers.md §3.3.1): seconds are whole.
    @Test func tolerance() throws {
        let vectors = try Vectors()
        let message = try #require(vectors.messages.first)
        for (offset, isGood) in [
            (300_999, true), (301_000, false), (-300_000, true), (-300_001, false), (0, true),
        ] as [(Int64, Bool)] {
            let verify = {
                try vectors.telnyx.verify(
                    body: message.body, signature: message.signature, timestamp: message.timestamp,
                    at: message.seconds * 1000 + offset)
            }
            if isGood { try verify() } else { #expect(throws: SignatureRefusal.time) { try verify() } }
        }
    }

    /// The negative cases of the vector file, and headers that are none.
    @Test func negatives() throws {
        let vectors = try Vectors()
        let (body, signature, timestamp, seconds) = try #require(vectors.messages.first)
        func refusal(
            _ body: [UInt8], _ signature: String?, _ timestamp: String?, _ telnyx: TelnyxSignature? = nil
        ) -> SignatureRefusal? {
            do throws(SignatureRefusal) {
                try (telnyx ?? vectors.telnyx).verify(
                    body: body, signature: signature, timestamp: timestamp, at: seconds * 1000)
                return nil
            } catch { return error }
        }
        #expect(refusal(body, signature, timestamp) == nil)
        #expect(refusal(body + [0x20], signature, timestamp) == .mismatch)
        let again = try JSONSerialization.data(withJSONObject: JSONSerialization.jsonObject(with: Data(body)))
        #expect(refusal(Array(again), signature, timestamp) == .mismatch)
        #expect(refusal(body, signature, String(seconds + 1)) == .mismatch)
        for missing in [nil, ""] {
            #expect(refusal(body, missing, timestamp) == .missing)
            #expect(refusal(body, signature, missing) == .missing)
        }
        for bad in [" " + timestamp, "+" + timestamp, timestamp + ".0", "1_789148060", "999999999999", "-1"] {
            #expect(refusal(body, signature, bad) == .malformed)
        }
        // 64 bytes end in two characters of padding before which four bits are left over: they must be zero.
        #expect(signature.hasSuffix("Cg=="))
        for bad in [
            signature.replacing("Cg==", with: "Ch=="), String(signature.dropLast()), "AAAA", signature + "\n",
        ] {
            #expect(refusal(body, bad, timestamp) == .malformed)
        }
        #expect(refusal(body, signature, timestamp, try TelnyxSignature(publicKeys: [])) == .key)
    }

    @Test func keysInRotation() throws {
        let vectors = try Vectors()
        let message = try #require(vectors.messages.first)
        let other = try Ed25519PrivateKey(seed: .init(repeating: 3, count: 32)).publicKey
        let text = Data(other.bytes).base64EncodedString()
        let both = try TelnyxSignature(publicKeys: [text, vectors.publicKey])
        let one = try TelnyxSignature(publicKeys: [text])
        try both.verify(
            body: message.body, signature: message.signature, timestamp: message.timestamp,
            at: message.seconds * 1000)
        #expect(throws: SignatureRefusal.mismatch) {
            try one.verify(
                body: message.body, signature: message.signature, timestamp: message.timestamp,
                at: message.seconds * 1000)
        }
        let file = try SignatureVectors.object("telnyx_signature_vectors")
        let bad = [
            try file.text("public_key_spki_der_base64"), "", "AAAA", "not base64!", vectors.publicKey + "=",
        ]
        for key in bad {
            #expect(throws: CryptographyError.key) { try TelnyxSignature(publicKeys: [key]) }
        }
    }

    /// Every recorded webhook has an id by which it is known again.
    @Test func replayKeys() throws {
        for name in try SignatureVectors.names("telnyx_webhook_") {
            let file = try SignatureVectors.object(name)
            let id = try (file["data"] as? JSONDictionary)?.text("id") ?? ""
            let body = try JSONSerialization.data(withJSONObject: file)
            #expect(TelnyxSignature.replayKey(body: Array(body), signature: "s") == "id " + id)
        }
        for body in [
            "", "{", "[]", "{\"data\":1}", "{\"data\":{\"id\":\"\"}}", "{\"data\":{\"id\":7}}", "{} {}",
        ] {
            #expect(TelnyxSignature.replayKey(body: Array(body.utf8), signature: "s") == "signature s")
        }
    }
}

@Suite struct ReplayMemoryTests {
    @Test func rememberedForItsTime() throws {
        let memory = ReplayMemory(lifetime: 600_000, limit: 10)
        #expect(try memory.admit("a", at: 1000) == .fresh)
        #expect(try memory.admit("a", at: 1000) == .duplicate)
        #expect(try memory.admit("b", at: 2000) == .fresh)
        #expect(try memory.admit("a", at: 600_999) == .duplicate)
        // A duplicate does not prolong it.
        #expect(try memory.admit("a", at: 601_000) == .fresh)
        #expect(try memory.admit("b", at: 601_999) == .duplicate)
        #expect(try memory.admit("b", at: 602_000) == .fresh)
        #expect(memory.count == 2)
    }

    /// As long as a signature passes (from 300 s ahead of our clock to the end of the second 300 s past), it is known.
    @Test func noSignatureOutlivesTheMemory() throws {
        let key = try Ed25519PrivateKey(seed: .init(repeating: 9, count: 32))
        let telnyx = try TelnyxSignature(publicKeys: [Data(key.publicKey.bytes).base64EncodedString()])
        let memory = ReplayMemory()
        let signed = try TelnyxSignature.sign(body: [1], at: 1_000_300, key: key)
        let passes = { (now: Int64) in
            (try? telnyx.verify(
                body: [1], signature: signed.signature, timestamp: signed.timestamp, at: now)) != nil
        }
        #expect(try passes(1_000_000_000) && memory.admit(signed.signature, at: 1_000_000_000) == .fresh)
        #expect(try passes(1_000_600_999) && memory.admit(signed.signature, at: 1_000_600_999) == .duplicate)
        #expect(!passes(1_000_601_000))
    }

    @Test func bounded() throws {
        let memory = ReplayMemory(lifetime: 1000, limit: 3)
        for key in ["a", "b", "c", "d"] { #expect(try memory.admit(key, at: 0) == .fresh) }
        #expect(memory.count == 3)
        #expect(try memory.admit("b", at: 0) == .duplicate)
        #expect(try memory.admit("a", at: 0) == .fresh)  // the oldest was forgotten
        for number in 0..<10_000 { #expect(try memory.admit("\(number)", at: Int64(number)) == .fresh) }
        #expect(memory.count == 3)
    }

    @Test func forgottenWhenActingFailed() throws {
        let memory = ReplayMemory(lifetime: 1000, limit: 3)
        for at in 0..<20 as Range<Int64> {
            #expect(try memory.admit("a", at: at) == .fresh)
            try memory.forget("a")
        }
        try memory.forget("never seen")
        #expect(try memory.admit("a", at: 20) == .fresh)
        #expect(try memory.admit("a", at: 1019) == .duplicate)
        #expect(try memory.admit("b", at: Int64.max) == .fresh)
        #expect(try memory.admit("b", at: Int64.min) == .duplicate)
    }
}
