// One call of Telnyx's by its webhooks: in any order, twice, after a restart; and 100,000 of them.

import Routing
import Signalling
import Testing

@testable import Switchboard

/// A course that expectations may ask to go on.
private final class Course {
    private var machine = TelnyxCourse()
    var role: TelnyxRole? { machine.role }
    var isOver: Bool { machine.isOver }
    func take(_ event: TelnyxEvent) -> TelnyxCourse.Action? { machine.take(event) }
    func assume(_ role: TelnyxRole, plan: CallPlan?) -> Bool { machine.assume(role, plan: plan) }
    func recordsNow() -> Bool { machine.recordsNow() }
}

@Suite struct TelnyxCourseTests {
    static func event(
        _ kind: String, _ id: String, call: String = "v3:a", _ more: String = ""
    ) throws -> TelnyxEvent {
        let body =
            #"{"data":{"event_type":"\#(kind)","id":"\#(id)","payload":{"call_control_id":"\#(call)"\#(more)}}}"#
        return try TelnyxEvent(json: Array(body.utf8))
    }

    private static let incoming = #","direction":"incoming","state":"parked""#

    /// All orders of the four events of a message: it is greeted once, recorded once.
    @Test func aMessageIsGreetedAndRecordedOnceInAnyOrder() throws {
        let kinds = ["call.answered", "call.speak.started", "call.speak.ended", "call.dtmf.received"]
        var orders: [[String]] = [[]]
        for _ in kinds {
            orders = orders.flatMap { order in kinds.filter { !order.contains($0) }.map { order + [$0] } }
        }
        #expect(orders.count == 24)
        for order in orders {
            let course = Course()
            #expect(course.take(try Self.event("call.initiated", "0", Self.incoming)) == .receive)
            #expect(course.assume(.voicemail, plan: CallPlan()))
            var actions: [TelnyxCourse.Action] = []
            for kind in order {
                for _ in 1...2 {
                    if let action = course.take(try Self.event(kind, kind)) { actions.append(action) }
                }
            }
            #expect(actions.sorted { "\($0)" < "\($1)" } == [.greet, .record])
        }
    }

    /// Telnyx cannot record: the caller is told, and the call ends when that is said.
    @Test func aMessageThatCannotBeRecordedIsApologisedFor() throws {
        let course = Course()
        #expect(course.take(try Self.event("call.initiated", "1", Self.incoming)) == .receive)
        #expect(course.assume(.voicemail, plan: CallPlan()))
        #expect(course.take(try Self.event("call.answered", "2")) == .greet)
        #expect(course.take(try Self.event("call.speak.ended", "3")) == .record)
        #expect(course.take(try Self.event("call.recording.error", "4")) == .say)
        #expect(course.role == .fallback)
        #expect(course.take(try Self.event("call.speak.ended", "5")) == .hangUp)
    }

    @Test(arguments: [
        (TelnyxRole.stream, nil), (.laterStream, .startStream), (.voicemail, .greet), (.busy, .say),
        (.fallback, TelnyxCourse.Action.say),
    ])
    func whatFollowsTheAnswer(role: TelnyxRole, action: TelnyxCourse.Action?) throws {
        let course = Course()
        #expect(course.take(try Self.event("call.initiated", "1", Self.incoming)) == .receive)
        #expect(course.assume(role, plan: nil))
        #expect(course.take(try Self.event("call.answered", "2")) == action)
        #expect(course.take(try Self.event("call.answered", "3")) == nil)
        // After a restart the events themselves say what the call is.
        let later = Course()
        let state = #","client_state":"\#(role.clientState)""#
        #expect(later.take(try Self.event("call.answered", "2", state)) == action)
        #expect(later.role == role)
    }

    @Test func whatIsOverStaysOver() throws {
        let course = Course()
        #expect(course.take(try Self.event("call.hangup", "1", #","hangup_source":"caller""#)) == nil)
        #expect(course.take(try Self.event("call.initiated", "2", Self.incoming)) == nil)
        #expect(!course.assume(.stream, plan: nil) && !course.recordsNow())
        #expect(course.take(try Self.event("streaming.failed", "3")) == nil)
        #expect(course.isOver)
    }

    @Test func ourOwnLegsAreNotAnswered() throws {
        let course = Course()
        let outgoing = #","direction":"outgoing","state":"bridging""#
        #expect(course.take(try Self.event("call.initiated", "1", outgoing)) == nil)
    }

    /// Said at once when the call is answered, when it is answered otherwise.
    @Test func aStreamThatFailsIsSaid() throws {
        for isAnsweredFirst in [true, false] {
            let course = Course()
            _ = course.take(try Self.event("call.initiated", "1", Self.incoming))
            #expect(course.assume(.stream, plan: nil))
            let answered = try Self.event("call.answered", "2")
            let failed = try Self.event("streaming.failed", "3")
            let actions = (isAnsweredFirst ? [answered, failed] : [failed, answered]).map { course.take($0) }
            #expect(actions == [nil, .say])
            #expect(course.take(try Self.event("call.speak.ended", "4")) == .hangUp)
        }
        let unknown = Course()
        #expect(unknown.take(try Self.event("streaming.failed", "1")) == .say)
    }

    /// Silence or length ended the message: the caller is still there, and is let go.
    @Test func aMessageThatEndsByItselfEndsTheCall() throws {
        let course = Course()
        _ = course.take(try Self.event("call.initiated", "1", Self.incoming))
        #expect(course.assume(.voicemail, plan: nil))
        #expect(course.take(try Self.event("call.recording.saved", "2")) == .hangUp)
        let stream = Course()
        #expect(stream.assume(.stream, plan: nil))
        #expect(stream.take(try Self.event("call.recording.saved", "2")) == nil)
    }

    @Test func statesOfOthersAreNoRoles() {
        for state in [
            nil, "", "eyJzdGVwIjoxfQ==", "%%%", Base64Text.encode("teeline:"), Base64Text.encode("teeline:x"),
        ] {
            #expect(TelnyxRole(clientState: state) == nil)
        }
        for role in TelnyxRole.allCases { #expect(TelnyxRole(clientState: role.clientState) == role) }
    }

    /// 100,000 webhooks of as many calls: the book stays within its limit, and forgets what is over after a while.
    @Test func aFloodDoesNotGrowTheBook() throws {
        let book = TelnyxCallBook(limit: 1_000)
        var event = try Self.event("call.initiated", "0", Self.incoming)
        for number in 0..<100_000 {
            let call = "v3:\(number)"
            (event.id, event.callControlID) = (String(number), call)
            guard book.take(event, of: call, at: Int64(number)) == .receive else {
                Issue.record("call \(number) is not received")
                return
            }
            if number % 1_000 == 0 { #expect(book.count <= 1_000) }
        }
        #expect(book.count <= 1_000)
        // The latest ones are known.
        #expect(book.course("v3:99999") != nil && book.course("v3:0") == nil)
        let few = TelnyxCallBook(limit: 2)
        _ = few.take(try Self.event("call.hangup", "1", call: "a"), of: "a", at: 0)
        _ = few.take(try Self.event("call.initiated", "2", call: "b", Self.incoming), of: "b", at: 0)
        let later = TelnyxCallBook.afterEnd
        _ = few.take(try Self.event("call.initiated", "3", call: "c", Self.incoming), of: "c", at: later)
        #expect(few.course("a") == nil && few.course("b") != nil && few.course("c") != nil)
    }
}
