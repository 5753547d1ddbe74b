// One call of Telnyx's by its webhooks, in any order.

import Testing

@testable import Switchboard
@Suite struct TelnyxCourseTests {}
