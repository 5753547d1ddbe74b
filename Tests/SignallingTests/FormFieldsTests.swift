// Forms are read as the URL Standard says, and written so that they read the same.

import Signalling
import Testing

@Suite struct FormFieldsTests {
    @Test func readsBlanksEscapesAndRepetition() throws {
        let form = try #require(FormFields(Array("To=%2B1415+555&To=b&Empty=&Alone&%C3%A9=%E2%82%AC".utf8)))
        #expect(form.fields.map(\.name) == ["To", "To", "Empty", "Alone", "é"])
        #expect(form.fields.map(\.value) == ["+1415 555", "b", "", "", "€"])
        #expect(form.first("To") == "+1415 555")
    }

    @Test(arguments: ["a=%", "a=%2", "a=%GG", "%FF=1", "a=%C3"])
    func refusesBadBytes(body: String) { #expect(FormFields(Array(body.utf8)) == nil) }

    @Test func hasABound() {
        #expect(FormFields(Array("a&a&a".utf8), limit: 2) == nil)
        #expect(FormFields(Array("a&a".utf8), limit: 2)?.fields.count == 2)
    }

    @Test func writtenReadsTheSame() throws {
        let fields = [("From", "+15005550006"), ("Twiml", "<Response a=\"1&2\"/>"), ("ü", " ~-._")]
        let again = try #require(FormFields(FormFields(fields).body))
        #expect(again.fields.map(\.name) == fields.map(\.0))
        #expect(again.fields.map(\.value) == fields.map(\.1))
    }
}
