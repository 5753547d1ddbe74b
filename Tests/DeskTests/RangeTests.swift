// Ranges, conditions and dates, by the tables of RFC 9110.

import Net
import Testing

@testable import Desk

/// A range by its first and last byte.
private func bytes(_ first: Int64, _ last: Int64) -> ByteRange {
    ByteRange(offset: first, length: last - first + 1)
}

@Suite struct RangeTests {
    // §14.1.2's examples are for a representation of 10,000 bytes.
    static let ranges: [(String?, Int64, RangeOutcome)] = [
        (nil, 10000, .whole), ("bytes=0-499", 10000, .partial([bytes(0, 499)])),
        ("bytes=500-999", 10000, .partial([bytes(500, 999)])),
        ("bytes=-500", 10000, .partial([bytes(9500, 9999)])),
        ("bytes=9500-", 10000, .partial([bytes(9500, 9999)])),
        ("bytes=0-0,-1", 10000, .partial([bytes(0, 0), bytes(9999, 9999)])),
        (
            "bytes= 0-999, 4500-5499, -1000", 10000,
            .partial([bytes(0, 999), bytes(4500, 5499), bytes(9000, 9999)])
        ),
        ("bytes=500-600,601-999", 10000, .partial([bytes(500, 999)])),
        ("bytes=500-700,601-999", 10000, .partial([bytes(500, 999)])),
        ("bytes=0-", 10000, .partial([bytes(0, 9999)])), ("bytes=0-99999", 10000, .partial([bytes(0, 9999)])),
        ("bytes=-10000", 10000, .partial([bytes(0, 9999)])),
        ("bytes=-10001", 10000, .partial([bytes(0, 9999)])),
        ("BYTES=1-2", 10000, .partial([bytes(1, 2)])), ("Bytes=1-2", 10000, .partial([bytes(1, 2)])),
        ("bytes=9999-9999", 10000, .partial([bytes(9999, 9999)])), ("bytes=10000-", 10000, .unsatisfiable),
        ("bytes=10000-20000", 10000, .unsatisfiable), ("bytes=-0", 10000, .unsatisfiable),
        ("bytes=10000-,0-1", 10000, .partial([bytes(0, 1)])), ("bytes=-0,20000-", 10000, .unsatisfiable),
        ("bytes=0-0", 0, .unsatisfiable), ("bytes=-1", 0, .unsatisfiable),
        ("bytes=0-", 1, .partial([bytes(0, 0)])),
        ("bytes=5-4", 10000, .whole), ("bytes=0-1,5-4", 10000, .whole), ("bytes=", 10000, .whole),
        ("bytes=,", 10000, .whole), ("bytes=,,0-1,", 10000, .partial([bytes(0, 1)])),
        ("bytes=-", 10000, .whole),
        ("bytes=--1", 10000, .whole), ("bytes=a-b", 10000, .whole), ("bytes=1-b", 10000, .whole),
        ("bytes=1", 10000, .whole), ("bytes=+1-2", 10000, .whole), ("bytes=1 - 2", 10000, .whole),
        ("bytes=0x1-2", 10000, .whole), ("bytes 0-1", 10000, .whole), ("items=0-1", 10000, .whole),
        ("", 10000, .whole), ("=", 10000, .whole), ("bytes =0-1", 10000, .whole),
        ("bytes=1-2-3", 10000, .whole),
        ("bytes=0-18446744073709551616", 10000, .partial([bytes(0, 9999)])),
        ("bytes=99999999999999999999-", 10000, .unsatisfiable),
        ("bytes=-99999999999999999999", 10000, .partial([bytes(0, 9999)])),
        ("bytes=\u{661}-\u{662}", 10000, .whole),
        ("bytes=20-29,0-9", 100, .partial([bytes(20, 29), bytes(0, 9)])),
        ("bytes=20-29,0-25,50-59", 100, .partial([bytes(0, 29), bytes(50, 59)])),
        ("bytes=0-,0-,0-,0-", 100, .partial([bytes(0, 99)])),
        (
            "bytes=" + (0..<32).map { "\($0 * 4)-\($0 * 4)" }.joined(separator: ","), 1000,
            .partial((0..<32).map { bytes($0 * 4, $0 * 4) })
        ),
        ("bytes=" + (0..<33).map { "\($0 * 4)-\($0 * 4)" }.joined(separator: ","), 1000, .whole),
    ]

    @Test(arguments: ranges)
    func rangesAreEvaluated(field: String?, total: Int64, expected: RangeOutcome) {
        #expect(RangeOutcome.evaluate(field, total: total) == expected)
    }

    /// Every pair on a small representation, against counting.
    @Test(arguments: 0...12)
    func everySmallRangeIsRight(total: Int64) {
        for first in 0...13 as ClosedRange<Int64> {
            for last in first...13 {
                let wanted = (0..<total).filter { $0 >= first && $0 <= last }
                let outcome = RangeOutcome.evaluate("bytes=\(first)-\(last)", total: total)
                if let low = wanted.first, let high = wanted.last {
                    #expect(outcome == .partial([bytes(low, high)]))
                } else {
                    #expect(outcome == .unsatisfiable)
                }
            }
            let suffix = (0..<total).suffix(Int(first))
            let outcome = RangeOutcome.evaluate("bytes=-\(first)", total: total)
            if let low = suffix.first, let high = suffix.last {
                #expect(outcome == .partial([bytes(low, high)]))
            } else {
                #expect(outcome == .unsatisfiable)
            }
        }
    }

    static let when = "Sun, 06 Nov 1994 08:49:37 GMT"
    static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    static let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    static let conditions: [([String: String], ConditionOutcome)] = [
        ([:], .proceed(honorsRange: false)), (["Range": "x"], .proceed(honorsRange: true)),
        (["If-Match": "*"], .proceed(honorsRange: false)),
        (["If-Match": "\"tag\""], .proceed(honorsRange: false)),
        (["If-Match": "\"a\", \"tag\""], .proceed(honorsRange: false)), (["If-Match": "\"other\""], .failed),
        (["If-Match": "W/\"tag\""], .failed), (["If-Match": "tag"], .failed),
        (["If-Match": "\"tag"], .failed),
        (["If-Match": "\"a,\"tag\""], .failed),
        (["If-Match": "\"a,b\", \"tag\""], .proceed(honorsRange: false)),
        (["If-None-Match": "*"], .notModified), (["If-None-Match": "\"tag\""], .notModified),
        (["If-None-Match": "W/\"tag\""], .notModified), (["If-None-Match": "\"x\",W/\"tag\""], .notModified),
        (["If-None-Match": "\"other\""], .proceed(honorsRange: false)),
        (["If-None-Match": "\"TAG\""], .proceed(honorsRange: false)),
        (["If-Match": "\"other\"", "If-None-Match": "\"tag\""], .failed),
        (["If-Match": "\"tag\"", "If-None-Match": "\"tag\""], .notModified),
        (["If-Modified-Since": when], .notModified), (["If-Modified-Since": after], .notModified),
        (["If-Modified-Since": before], .proceed(honorsRange: false)),
        (["If-Modified-Since": "yesterday"], .proceed(honorsRange: false)),
        (["If-None-Match": "\"other\"", "If-Modified-Since": after], .proceed(honorsRange: false)),
        (["If-Unmodified-Since": when], .proceed(honorsRange: false)),
        (["If-Unmodified-Since": before], .failed),
        (["If-Unmodified-Since": "x"], .proceed(honorsRange: false)),
        (["If-Match": "\"tag\"", "If-Unmodified-Since": before], .proceed(honorsRange: false)),
        (["Range": "x", "If-Range": "\"tag\""], .proceed(honorsRange: true)),
        (["Range": "x", "If-Range": "\"other\""], .proceed(honorsRange: false)),
        (["Range": "x", "If-Range": "W/\"tag\""], .proceed(honorsRange: false)),
        (["Range": "x", "If-Range": when], .proceed(honorsRange: true)),
        (["Range": "x", "If-Range": after], .proceed(honorsRange: false)),
        (["Range": "x", "If-Range": before], .proceed(honorsRange: false)),
        (["If-Range": "\"tag\""], .proceed(honorsRange: false)),
        (["Range": "x", "If-None-Match": "\"tag\""], .notModified),
    ]

    @Test(arguments: conditions)
    func conditionsAreEvaluated(fields: [String: String], expected: ConditionOutcome) {
        let validators = Validators(tag: "tag", lastModified: 784_111_777)
        let headers = fields.map { (name: $0.key.lowercased(), value: $0.value) }
        #expect(validators.evaluate(HTTPRequest(method: "GET", path: "/", headers: headers)) == expected)
    }

    @Test func aRangeIsForGetOnly() {
        let request = HTTPRequest(method: "HEAD", path: "/", headers: [("Range", "bytes=0-1")])
        #expect(Validators(tag: "t", lastModified: 0).evaluate(request) == .proceed(honorsRange: false))
    }

    // RFC 9110 §5.6.7 gives the same instant in three forms.
    @Test(
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648), ("Sun, 06 Nov 1994 08:49:37 UTC", nil),
            ("Sun, 31 Feb 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 8:49:37 GMT", nil), ("", nil),
            ("0", nil),
            ("Sun, 06 Nov 99999999999999999999 08:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func datesAreRead(text: String, expected: Int64?) {
        #expect(HTTPDate.parse(text) == expected)
        if let expected, text.hasSuffix("GMT"), text.utf8.count == 29 {
            #expect(HTTPDate.text(expected) == text)
        }
    }
}
