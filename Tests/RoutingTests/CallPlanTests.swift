// A plan survives its storing, and tells nothing personal.

import Foundation
import Routing
import Testing

@Suite struct CallPlanTests {
    @Test func survivesStoring() throws {
        var plan = CallPlan()
        plan.mode = .voicemail
        plan.voicemail = VoicemailPlan(greeting: "Hello", beeps: false, maximumSeconds: 30, silenceSeconds: 2)
        plan.variables = ["name": "Ada"]
        plan.caller = "+15005550006"
        let again = try JSONDecoder().decode(CallPlan.self, from: JSONEncoder().encode(plan))
        #expect(again == plan)
    }

    @Test func tellsNothingPersonal() {
        var plan = CallPlan()
        plan.caller = "+15005550006"
        plan.variables = ["name": "Ada"]
        #expect(!"\(plan)".contains("Ada") && !String(reflecting: plan).contains("5005550006"))
    }
}
