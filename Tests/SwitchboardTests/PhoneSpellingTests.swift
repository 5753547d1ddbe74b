// The two spellings of a number, the rules' and the contexts' keys: the same of all digits, apart where they should be.

import Archive
import Routing
import Testing

@Suite struct PhoneSpellingTests {
    /// A separator at every place of a number, and one at each of two.
    @Test(arguments: ["+14155550100", "+442079460958", "02079460958", "0044207946", "7"])
    func agreeOnDigits(number: String) throws {
        let signs = [" ", "-", ".", "(", ")", ") ", " ("]
        var judged = 0
        for first in 0...number.count {
            for (place, sign) in signs.enumerated() {
                var text = number
                text.insert(contentsOf: sign, at: text.index(text.startIndex, offsetBy: first))
                let last = text.index(text.endIndex, offsetBy: -(judged % text.count))
                text.insert(contentsOf: signs[(place + first) % signs.count], at: last)
                let key = try #require(PhoneKey.normalised(text), "\(text)")
                #expect(key == number && PhoneNumber.normalised(text) == key, "\(text)")
                judged += 1
            }
        }
        #expect(judged == signs.count * (number.count + 1))
    }

    /// A key is refused where it is no address; a number at the door never is.
    @Test(arguments: [
        ("+1234567890123456", "+1234567890123456"), ("+0415", "+0415"), ("client:Ada L", "client:Ada L"),
        ("sip:a/b@example.com", "sip:a/b@example.com"), ("", "anonymous"),
    ])
    func differInWhatIsRefused(text: String, spelled: String) {
        #expect(PhoneKey.normalised(text) == nil && PhoneNumber.normalised(text) == spelled)
    }
}
