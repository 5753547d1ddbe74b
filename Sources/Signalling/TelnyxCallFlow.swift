// One call of Telnyx's as its webhooks tell it: in any order, some of them twice.

/// The state of one call, and what is to be done about each event.
public struct TelnyxCallFlow: Sendable, Hashable {
    /// How far the call has come; it never goes back.
    public enum Phase: Int, Sendable, Hashable, Comparable, CaseIterable {
        /// Nothing is known of it.
        case new
        /// It rings, here or there.
        case ringing
        /// It is answered.
        case answered
        /// It is over.
        case over

        /// Earlier is less.
        public static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    /// What is to be done.
    public enum Action: Sendable, Hashable {
        /// Answer the call, by REST. Said once at most.
        case answer
        /// Nothing.
        case nothing
    }

    /// Event ids that are remembered: more than a call sends.
    public static let remembered = 256

    /// How far the call has come.
    public private(set) var phase = Phase.new
    /// Why the call ended, in Telnyx's word.
    public private(set) var hangupCause: String?
    /// Whether the media stream stands, as far as is known: nil before anything was said of it.
    public private(set) var isStreaming: Bool?
    /// Deliveries that were seen before.
    public private(set) var duplicates = 0

    private var callControlID: String?
    private var hasAnswered = false
    private var streamEnded = false
    private var seen: Set<String> = []
    /// The ids in order of arrival; `oldest` is the next to be forgotten once all places are taken.
    private var order: [String] = []
    private var oldest = 0

    /// A call known by its handle; nil: the first event's.
    public init(callControlID: String? = nil) { self.callControlID = callControlID }

    /// Takes one delivery. Events of other calls and repeated ones do nothing.
    public mutating func take(_ event: TelnyxEvent) -> Action {
        if let id = event.callControlID {
            if callControlID == nil { callControlID = id }
            guard id == callControlID else { return .nothing }
        }
        guard remember(event.id) else {
            duplicates += 1
            return .nothing
        }
        switch event.kind {
        case .callInitiated:
            let wasNew = phase == .new
            advance(.ringing)
            // Answered or over already: this one was overtaken. Our own legs are not ours to answer (error 90102).
            guard wasNew, !hasAnswered, event.direction == .incoming, event.state != "bridging" else {
                return .nothing
            }
            hasAnswered = true
            return .answer
        case .callAnswered, .callBridged: advance(.answered)
        case .callHangup:
            advance(.over)
            hangupCause = hangupCause ?? event.hangupCause
            isStreaming = false
        case .streamingStarted:
            // It may be told after the stream's end, or after the call's.
            if !streamEnded, phase != .over { isStreaming = true }
        case .streamingStopped, .streamingFailed:
            streamEnded = true
            isStreaming = false
        default: break
        }
        return .nothing
    }

    /// Whether the call has answered or is about to: a command that failed may be tried again by whoever sent it.
    public var isAnswering: Bool { hasAnswered && phase == .ringing }

    private mutating func advance(_ next: Phase) { phase = max(phase, next) }

    private mutating func remember(_ id: String) -> Bool {
        guard seen.insert(id).inserted else { return false }
        if order.count < Self.remembered {
            order.append(id)
        } else {
            seen.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % Self.remembered
        }
        return true
    }
}
