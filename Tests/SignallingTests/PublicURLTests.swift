// The public base, whom to believe about it, and lists of addresses.

import Signalling
import Testing

@Suite struct PublicURLTests {
    @Test func urlsOfABase() throws {
        let cases = [
            ("https://bridge.example.com", "/v?a=%20b", "https://bridge.example.com/v?a=%20b", "wss"),
            ("https://bridge.example.com/", "/", "https://bridge.example.com/", "wss"),
            ("http://127.0.0.1:8080", "//x/../y", "http://127.0.0.1:8080//x/../y", "ws"),
            ("https://Bridge.example:443/pre/fix/", "/v?", "https://Bridge.example:443/pre/fix/v?", "wss"),
            ("https://[2001:db8::1]:8443", "/é", "https://[2001:db8::1]:8443/é", "wss"),
        ]
        for (text, target, expected, stream) in cases {
            let base = try #require(PublicURL(text), "\(text)")
            #expect(base.url(target: target) == expected)
            #expect(base.streamURL(target: target) == stream + expected.drop { $0 != ":" })
            for bad in ["", "x", "http://evil.example/", "*", "/a b", "/a\r\nb", "/a#b", "/\u{7F}"] {
                #expect(base.url(target: bad) == nil && base.streamURL(target: bad) == nil)
            }
        }
    }

    @Test(arguments: [
        "", "bridge.example.com", "wss://a", "HTTPS://a", "https://", "https:///x", "https://u:p@a",
        "https://a?x",
        "https://a/x?y", "https://a#f", "https://a:", "https://a:0", "https://a:65536", "https://a:x",
        "https://a b",
        "https://[::1", "https://[127.0.0.1]", "https://[fe80::1%25eth0]", "https://a\u{0}", "https://é",
        "https://a:80:80",
    ])
    func noBase(text: String) { #expect(PublicURL(text) == nil) }

    private let forwarded = [
        (name: "Host", value: "evil.example"), (name: "X-Forwarded-Proto", value: "https"),
        (name: "x-forwarded-host", value: "bridge.example.com:8443"),
    ]

    @Test func theConfiguredBaseCountsAlone() throws {
        let base = try #require(PublicURL("https://bridge.example.com"))
        let rule = TrustedProxies(base: base, proxies: try AddressList(["0.0.0.0/0", "::/0"]))
        for peer in ["10.0.0.1", "::1", "nonsense", ""] {
            #expect(rule.base(peer: peer, headers: forwarded) == base)
        }
    }

    @Test func headersOfTrustedProxiesOnly() throws {
        let rule = TrustedProxies(base: nil, proxies: try AddressList(["10.0.0.0/8", "fd00::/8"]))
        let expected = PublicURL("https://bridge.example.com:8443")
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1"] {
            #expect(rule.base(peer: peer, headers: forwarded) == expected)
        }
        for peer in ["11.0.0.1", "::1", "10.0.0", "", "bridge.example.com"] {
            #expect(rule.base(peer: peer, headers: forwarded) == nil)
        }
        #expect(TrustedProxies(base: nil).base(peer: "127.0.0.1", headers: forwarded) == nil)
        // One of each, of sound form; else nothing is known.
        let bad = ["", "a, b", "a/b", "a@b", "a?b", "a b", "https,http"]
        for (index, values) in [
            (1, bad + ["HTTPS", "ftp", "bridge.example.com"]), (2, bad + ["a:b", "[::1"]),
        ] {
            var other = forwarded
            other.remove(at: index)
            #expect(rule.base(peer: "10.1.2.3", headers: other) == nil)
            #expect(rule.base(peer: "10.1.2.3", headers: forwarded + [forwarded[index]]) == nil)
            for value in values {
                other = forwarded
                other[index].value = value
                #expect(rule.base(peer: "10.1.2.3", headers: other) == nil, "\(value)")
            }
        }
    }

    @Test func theSenderBehindProxies() throws {
        let rule = TrustedProxies(base: nil, proxies: try AddressList(["10.0.0.0/8"]))
        func sender(_ peer: String, _ chain: String...) -> IPAddress? {
            rule.sender(peer: peer, headers: chain.map { (name: "X-Forwarded-For", value: $0) })
        }
        #expect(sender("192.0.2.1", "203.0.113.5") == IPAddress("192.0.2.1"))
        #expect(sender("10.0.0.1") == IPAddress("10.0.0.1"))
        #expect(sender("10.0.0.1", "203.0.113.5") == IPAddress("203.0.113.5"))
        // What a client wrote itself stands to the left of what the proxies saw.
        #expect(sender("10.0.0.1", "198.51.100.7, 203.0.113.5, 10.0.0.2") == IPAddress("203.0.113.5"))
        #expect(sender("10.0.0.1", "198.51.100.7", "2001:db8::5") == IPAddress("2001:db8::5"))
        #expect(sender("10.0.0.1", "unknown") == nil)
        #expect(sender("10.0.0.1", "203.0.113.5,") == nil)
        #expect(sender("nobody", "203.0.113.5") == nil)
    }
}

@Suite struct AddressListTests {
    @Test(arguments: [
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
        ("192.0.2.99/24", "192.0.2.1", true), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.8/29", "192.0.2.15", true), ("192.0.2.8/29", "192.0.2.16", false),
        ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false),
        ("0.0.0.0/0", "::ffff:1.2.3.4", true),
        ("::/0", "2001:db8::1", true), ("::/0", "1.2.3.4", false), ("::/0", "::ffff:1.2.3.4", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
        ("2001:db8::/33", "2001:db8:7fff::", true), ("2001:db8::/33", "2001:db8:8000::", false),
        ("2001:db8::1", "2001:DB8:0:0:0:0:0:1", true), ("fe80::/10", "fe80::1%eth0", true),
        ("::ffff:192.0.2.0/120", "192.0.2.9", true), ("::ffff:192.0.2.0/120", "192.0.3.9", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true), ("10.0.0.0/8", "10.1", false),
        ("10.0.0.0/8", "10.0.0.1%eth0", false), ("10.0.0.0/8", "", false),
        ("10.0.0.0/8", "10.0.0.1:80", false), ("10.0.0.0/8", "10.0.0.1\u{0}", false),
        ("10.0.0.0/8", "167772161", false),
    ])
    func contains(entry: String, address: String, isIn: Bool) throws {
        #expect(try AddressList([entry]).contains(address) == isIn)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8",
        "10.0.0/8",
        "010.0.0.0/8", "::/129", "fe80::1%eth0/64", "::ffff:10.0.0.0/95", "localhost", "10.0.0.0/8 ",
        "10.0.0.0/2147483648",
    ])
    func noEntry(text: String) {
        #expect(throws: AddressListError(index: 1)) { try AddressList(["10.0.0.0/8", text]) }
    }

    @Test func theEmptyListHoldsNothing() throws {
        #expect(AddressList.empty.isEmpty && !AddressList.empty.contains("127.0.0.1"))
        #expect(try AddressList([]) == .empty)
    }
}
