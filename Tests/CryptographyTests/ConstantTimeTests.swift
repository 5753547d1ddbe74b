// Comparison in constant time says what plain comparison says.

import Cryptography
import Testing

@Suite struct ConstantTimeTests {
    @Test(arguments: [("", ""), ("a", "a"), ("a", "b"), ("a", ""), ("abc", "abd"), ("abc", "abcd")])
    func agreesWithPlainComparison(left: String, right: String) {
        #expect(ConstantTime.equal(left.utf8, right.utf8) == (left == right))
    }
}
