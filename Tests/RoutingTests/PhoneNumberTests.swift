// One spelling for a number, by RFC 3966's visual separators and nothing that would be a guess.

import Routing
import Testing

@Suite struct PhoneNumberTests {
    @Test(arguments: [
        ("+44 20 7946 0958", "+442079460958"), ("+1 (415) 555-0100", "+14155550100"),
        ("+1.415.555.0100", "+14155550100"), ("(+1) 415 555-0100", "+14155550100"),
        ("  +14155550100\n", "+14155550100"),
        // No country is guessed: a national number stays one.
        ("020 7946 0958", "02079460958"), ("09876543210", "09876543210"), ("4155550100", "4155550100"),
        // 00 stays unless asked.
        ("0044 20 7946 0958", "00442079460958"),
        // Addresses and what is no number stay as they are.
        ("client:Ada Lovelace", "client:Ada Lovelace"), ("sip:user-1@example.com", "sip:user-1@example.com"),
        ("+1415x", "+1415x"), ("1+2", "1+2"), ("+", "+"), ("()", "()"), ("٣٤", "٣٤"),
        // Nobody is told.
        ("", "anonymous"), ("  ", "anonymous"), ("Anonymous", "anonymous"), ("UNKNOWN", "anonymous"),
        ("anonymous", "anonymous"), ("sip:anonymous@anonymous.invalid", "anonymous"),
        ("sips:Anonymous@anonymous.invalid", "anonymous"),
    ])
    func hasOneSpelling(text: String, expected: String) {
        #expect(PhoneNumber.normalised(text) == expected)
        // What is normal stays normal.
        #expect(PhoneNumber.normalised(expected) == expected)
    }

    @Test(arguments: [
        ("0044 20 7946 0958", "+442079460958"), ("020 7946 0958", "02079460958"), ("00", "00"),
        ("+0044", "+0044"), ("sip:0044@example.com", "sip:0044@example.com"),
    ])
    func doubleZeroIsPlusWhenAsked(text: String, expected: String) {
        #expect(PhoneNumber.normalised(text, doubleZeroIsPlus: true) == expected)
    }

    @Test(
        arguments: [
            ("+4420*", "+44 20 7946 0958", true), ("+44 (20)*", "+442079460958", true),
            ("+4420*", "+44161", false), ("+442079460958", "+44 20 7946 0958", true),
            ("+442079460958", "+4420794609580", false), ("+4420*", nil, false),
            ("+4420*", "anonymous", false),
            ("unknown", nil, true), ("unknown", "", true), ("anonymous", "Anonymous", true),
            ("unknown", "+442079460958", false), ("sip:desk@*", "sip:desk@example.com", true),
            ("client:ada", "client:ada", true), ("client:ada", "client:bob", false),
        ] as [(String, String?, Bool)])
    func patternsMean(pattern: String, number: String?, expected: Bool) throws {
        #expect(try #require(NumberPattern(pattern)).matches(number) == expected)
    }

    @Test(arguments: ["", " ", "*", " *", "+44*20", "**", "+44**"])
    func patternsThatMeanNothing(text: String) { #expect(NumberPattern(text) == nil) }
}
