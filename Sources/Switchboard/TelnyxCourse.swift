// What is done about one call of Telnyx's, event by event, in whatever order they come. Pure.

import Routing
import Signalling

/// What a call of Telnyx's is to us. It goes with every command as `client_state` and comes back with every event, so
/// that a server that was started anew goes on where the former one left off.
enum TelnyxRole: String, Sendable, Hashable, CaseIterable {
    /// Its sound comes to us by a stream that the answer opens.
    case stream
    /// The same, by a stream that is begun once the call is answered.
    case laterStream = "later_stream"
    /// Telnyx records a message.
    case voicemail
    /// The caller hears that all lines are busy.
    case busy
    /// The caller hears that the call cannot be taken.
    case fallback

    private static let prefix = "teeline:"

    /// The role in base64, as a command bears it.
    var clientState: String { Base64Text.encode(Self.prefix + rawValue) }

    /// The role that an event bears; nil when the state is none of ours.
    init?(clientState: String?) {
        guard let text = clientState.flatMap(Base64Text.decode), text.hasPrefix(Self.prefix) else {
            return nil
        }
        self.init(rawValue: String(text.dropFirst(Self.prefix.count)))
    }
}

/// What `call.initiated` tells of a call, and later events do not.
struct TelnyxAnnouncement: Sendable, Hashable {
    /// The calling number. Personal: never in a log.
    var caller: String?
    /// The called number. Personal: never in a log.
    var called: String?
    /// When it began (RFC 3339).
    var startedAt: String?

    init(_ event: TelnyxEvent) {
        caller = event.from
        called = event.to
        startedAt = event.startTime ?? event.occurredAt
    }
}

/// The machine of one call.
struct TelnyxCourse: Sendable {
    /// What is to be done.
    enum Action: Sendable, Hashable {
        /// Decide what the call is to be, and answer it.
        case receive
        /// Begin its stream.
        case startStream
        /// Speak the greeting of the answering machine.
        case greet
        /// Record the message.
        case record
        /// Say why nobody talks.
        case say
        /// End the call.
        case hangUp
    }

    /// What the events told.
    private(set) var flow = TelnyxCallFlow()
    /// What the call is to us, once decided.
    private(set) var role: TelnyxRole?
    /// Its plan, once decided by this server.
    private(set) var plan: CallPlan?
    /// Who ended the call, in Telnyx's word.
    private(set) var hangupSource: String?
    /// What announced the call.
    private(set) var announcement: TelnyxAnnouncement?
    private var hasBegun = false
    private var isSaying = false
    private var isRecording = false

    /// Whether the call was answered, as far as events told while it was not over.
    var wasAnswered: Bool { hasBegun }

    /// Whether the call is over.
    var isOver: Bool { flow.phase == .over }

    /// Takes an event. Repeated ones do nothing.
    mutating func take(_ event: TelnyxEvent) -> Action? {
        let before = flow.duplicates
        let wasKnown = flow.phase > .new
        let action = flow.take(event)
        guard flow.duplicates == before else { return nil }
        role = role ?? TelnyxRole(clientState: event.clientState)
        if event.kind == .callInitiated { announcement = announcement ?? TelnyxAnnouncement(event) }
        if event.kind == .callHangup { hangupSource = hangupSource ?? event.hangupSource }
        if action == .answer { return .receive }
        guard !isOver else { return nil }
        switch event.kind {
        case .callAnswered: return answered()
        case .speakEnded: return spoken()
        // The message's end by silence or length leaves the caller on the line.
        case .recordingSaved: return role == .voicemail ? .hangUp : nil
        case .recordingError where role == .voicemail:
            // No message can be left: the caller is told so.
            role = .fallback
            return say()
        case .streamingFailed:
            role = .fallback
            // Before the answer there is nobody to speak to; a call that is not known was answered before a restart.
            return hasBegun || !wasKnown ? say() : nil
        default: return nil
        }
    }

    /// The call is to be `role`. False when it is over meanwhile: nothing is to be done.
    mutating func assume(_ role: TelnyxRole, plan: CallPlan?) -> Bool {
        guard !isOver else { return false }
        self.role = role
        self.plan = plan ?? self.plan
        return true
    }

    /// The greeting could not be spoken: the message is recorded all the same. False when that has begun.
    mutating func recordsNow() -> Bool {
        guard !isOver, !isRecording else { return false }
        isRecording = true
        return true
    }

    private mutating func answered() -> Action? {
        guard !hasBegun else { return nil }
        hasBegun = true
        switch role {
        case .laterStream: return .startStream
        case .voicemail: return .greet
        case .busy, .fallback: return say()
        case .stream, nil: return nil
        }
    }

    private mutating func spoken() -> Action? {
        switch role {
        case .voicemail: return recordsNow() ? .record : nil
        case .busy, .fallback: return .hangUp
        case .stream, .laterStream, nil: return nil
        }
    }

    private mutating func say() -> Action? {
        guard !isSaying else { return nil }
        isSaying = true
        return .say
    }
}
