// A call that Twilio is asked to make.

/// What a call is made of.
public struct TwilioNewCall: Sendable, Discreet {
    /// What the call does once it is answered.
    public enum Document: Sendable, Discreet {
        /// The TwiML at an address, fetched by a method (nil: POST).
        case url(String, method: String? = nil)
        /// This TwiML, at most 4000 characters.
        case twiml(TwiML)
    }
    /// A step of progress that is called back.
    public enum Event: String, Sendable, Hashable, CaseIterable {
        /// Dialled.
        case initiated
        /// Ringing.
        case ringing
        /// Answered.
        case answered
        /// Over, however.
        case completed
    }
    /// Whether and how an answering machine is told from a human.
    public enum MachineDetection: String, Sendable, Hashable, CaseIterable {
        /// As soon as it is known.
        case enable = "Enable"
        /// At the end of the machine's message.
        case detectMessageEnd = "DetectMessageEnd"
    }
    /// The number to call.
    public var to: String
    /// The number it is called from.
    public var from: String
    /// What it does once answered.
    public var document: Document
    /// Where its progress is reported.
    public var statusCallback: String?
    /// By which method; nil: POST.
    public var statusCallbackMethod: String?
    /// Which steps; empty: completed only.
    public var statusCallbackEvents: [Event] = []
    /// Seconds it may ring, 1 to 600; nil: 60.
    public var timeout: Int?
    /// Seconds it may last.
    public var timeLimit: Int?
    /// Keys pressed once it is answered, at most 32.
    public var sendDigits: String?
    /// Whether Twilio records it.
    public var record: Bool?
    /// `mono` (what nil means) or `dual`.
    public var recordingChannels: String?
    /// `inbound`, `outbound` or `both`.
    public var recordingTrack: String?
    /// Where the recording's states are reported.
    public var recordingStatusCallback: String?
    /// Which of its states.
    public var recordingStatusCallbackEvents: [String] = []
    /// `trim-silence` (what nil means here) or `do-not-trim`.
    public var trim: String?
    /// Whether an answering machine is told from a human.
    public var machineDetection: MachineDetection?
    /// Whether the document is carried out while that is still being found out.
    public var asyncDetection: Bool?
    /// Where its outcome is reported then.
    public var asyncDetectionCallback: String?

    /// A call of `to` from `from`.
    public init(to: String, from: String, document: Document) {
        self.to = to
        self.from = from
        self.document = document
    }

    /// The form. Throws `missingField`, `tooLong` or `invalid`.
    func fields() throws(SignallingError) -> [(String, String?)] {
        guard !to.isEmpty else { throw .missingField("To") }
        guard !from.isEmpty else { throw .missingField("From") }
        if let timeout, !(1...600).contains(timeout) { throw .invalid("Timeout") }
        if let timeLimit, timeLimit < 1 { throw .invalid("TimeLimit") }
        if let sendDigits, sendDigits.utf8.count > 32 { throw .tooLong("SendDigits") }
        var fields: [(String, String?)] = [("To", to), ("From", from)]
        switch document {
        case .url(let url, let method): fields += [("Url", url), ("Method", method)]
        case .twiml(let twiml): fields.append(("Twiml", try TwilioREST.inline(twiml)))
        }
        fields += [
            ("StatusCallback", statusCallback), ("StatusCallbackMethod", statusCallbackMethod),
        ]
        fields += statusCallbackEvents.map { ("StatusCallbackEvent", $0.rawValue) }
        let events = recordingStatusCallbackEvents.joined(separator: " ")
        fields += [
            ("Timeout", timeout.map { String($0) }), ("TimeLimit", timeLimit.map { String($0) }),
            ("SendDigits", sendDigits), ("Record", record.map { $0 ? "true" : "false" }),
            ("RecordingChannels", recordingChannels), ("RecordingTrack", recordingTrack),
            ("RecordingStatusCallback", recordingStatusCallback),
            ("RecordingStatusCallbackEvent", events.isEmpty ? nil : events), ("Trim", trim),
            ("MachineDetection", machineDetection?.rawValue),
            ("AsyncAmd", asyncDetection.map { $0 ? "true" : "false" }),
            ("AsyncAmdStatusCallback", asyncDetectionCallback),
        ]
        return fields
    }
}
