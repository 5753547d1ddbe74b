// Exotel's credentials: the vectors both ways, pairs in rotation, addresses.

import Cryptography
import Foundation
import Signalling
import Testing

@Suite struct ExotelAccessTests {
    private func access(_ pairs: [(String, String)], _ addresses: [String] = []) throws -> ExotelAccess {
        try ExotelAccess(
            credentials: pairs.map { try #require(BasicCredentials(key: $0.0, token: Secret($0.1))) },
            addresses: AddressList(addresses))
    }

    private func refusal(_ access: ExotelAccess, _ authorization: String?, from sender: String = "192.0.2.1")
        -> AccessRefusal?
    {
        do throws(AccessRefusal) {
            try access.verify(authorization: authorization, sender: IPAddress(sender))
            return nil
        } catch { return error }
    }

    @Test func everyVectorBothWays() throws {
        let vectors = try SignatureVectors.list("exotel_basic_auth_vectors")
        #expect(vectors.count == 2)
        for vector in vectors {
            let credentials = try #require(try BasicCredentials(streamURL: vector.text("stream_url")))
            #expect(try credentials.authorization == vector.text("authorization"))
            let access = try ExotelAccess(credentials: [credentials])
            #expect(try refusal(access, vector.text("authorization")) == nil)
        }
        // The same pairs from their parts, as the vectors' URLs have them.
        let access = try access([("exo_key_1", "exo_token_2"), ("user@acme", "p:ss/word")])
        for vector in vectors { #expect(try refusal(access, vector.text("authorization")) == nil) }
        let rest = try #require(
            SignatureVectors.object("exotel_basic_auth_vectors")["rest"] as? JSONDictionary)
        #expect(try refusal(access, rest.text("authorization")) == nil)
    }

    private func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }

    @Test func whatIsRefused() throws {
        let access = try access([("old", "one"), ("new", "two")])
        for good in ["old:one", "new:two"] { #expect(refusal(access, basic(good)) == nil) }
        #expect(refusal(access, basic("new:two").replacing("Basic", with: "bASIC")) == nil)
        for bad in ["old:two", "new:one", "old:", ":one", "old", "", "old:one ", "Old:one", "old:one\n"] {
            #expect(refusal(access, basic(bad)) == .credentials || bad.isEmpty, "\(bad)")
        }
        for bad in [nil, "", "Basic", "Basic ", "Bearer " + basic("old:one").dropFirst(6)] {
            #expect(refusal(access, bad) == .missing)
        }
        // "old:one" is 7 bytes: its last character has left-over bits, which must be zero.
        #expect(basic("old:one") == "Basic b2xkOm9uZQ==")
        for bad in ["Basic b2xkOm9uZR==", "Basic b2xkOm9uZQ", "Basic  b2xkOm9uZQ==", "Basic b2xkOm9uZQ== "] {
            #expect(refusal(access, bad) == .credentials)
        }
    }

    @Test func addressesAndCredentialsAreBothNeeded() throws {
        let both = try access([("k", "t")], ["203.0.113.0/24"])
        #expect(refusal(both, basic("k:t"), from: "203.0.113.9") == nil)
        #expect(refusal(both, basic("k:t"), from: "203.0.114.9") == .address)
        #expect(refusal(both, nil, from: "203.0.113.9") == .missing)
        #expect(refusal(both, basic("k:t"), from: "nobody") == .address)
        let addresses = try access([], ["203.0.113.0/24"])
        #expect(refusal(addresses, nil, from: "203.0.113.9") == nil)
        #expect(refusal(addresses, nil, from: "::ffff:203.0.113.9") == nil)
        #expect(refusal(addresses, basic("k:t"), from: "198.51.100.1") == .address)
        #expect(refusal(try access([]), basic("k:t")) == .closed)
    }

    @Test func pairsThatAreNone() throws {
        #expect(BasicCredentials(key: "a:b", token: Secret("c")) == nil)
        #expect(BasicCredentials(key: "", token: Secret("c")) == nil)
        #expect(BasicCredentials(key: "a", token: Secret("")) == nil)
        for url in [
            "wss://bridge.example.com/m", "wss://u@h/", "wss://:p@h/", "wss://a%3Ab:c@h/", "wss://h/@:@",
        ] {
            #expect(BasicCredentials(streamURL: url) == nil, "\(url)")
        }
        #expect(BasicCredentials(streamURL: "wss://a+b:c@h/")?.authorization == basic("a+b:c"))
        let credentials = try #require(BasicCredentials(key: "name", token: Secret("sesame")))
        var text = "\(credentials)"
        dump([credentials], to: &text)
        #expect(!text.contains("sesame") && !text.contains("name"))
    }
}
