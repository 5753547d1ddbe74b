// Why a text was not spoken: the service's refusals and our own reasons, as kinds. No I/O.

import Wire

/// Why a text was not spoken. Holds no word of the service's message, which may quote the text.
public struct SpeechFailure: Error, Sendable, Hashable {
    /// What went wrong; the raw value is fit for a metric's label.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The API key is missing or wrong.
        case badKey = "bad_key"
        /// The account's characters are used up.
        case quota
        /// The account's plan does not include what was asked for.
        case forbidden
        /// There is no such voice, or not for this account.
        case voiceNotFound = "voice_not_found"
        /// The text is longer than the model takes.
        case tooLong = "too_long"
        /// More requests at once than the plan allows.
        case tooManyConcurrent = "too_many_concurrent"
        /// The service has too much to do.
        case busy
        /// The service took the account for an abuser's.
        case unusualActivity = "unusual_activity"
        /// The request is none that the service accepts.
        case validation
        /// The service failed.
        case unavailable
        /// No connection, or one that broke, before the sound was whole.
        case network
        /// The sound did not come in time.
        case timedOut = "timed_out"
        /// What came is no sound: empty, text, more than allowed, or half a sample at its end.
        case badAudio = "bad_audio"
        /// Nobody wants it any more.
        case cancelled
    }

    /// What went wrong.
    public var kind: Kind
    /// The service's HTTP status, when it answered with one.
    public var status: Int?
    /// How long the service asks to wait (`Retry-After`), in milliseconds.
    public var retryAfterMilliseconds: Int64?

    /// A failure of `kind`.
    public init(_ kind: Kind, status: Int? = nil, retryAfterMilliseconds: Int64? = nil) {
        self.kind = kind
        self.status = status
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// Whether the same request may succeed a little later.
    public var mayRetry: Bool {
        switch kind {
        case .tooManyConcurrent, .busy, .unavailable, .network, .timedOut, .badAudio: true
        case .badKey, .quota, .forbidden, .voiceNotFound, .tooLong, .unusualActivity, .validation, .cancelled:
            false
        }
    }

    /// The failure of an answer with `status` and `body`; `retryAfter` is its header field of that name.
    ///
    /// `body` has one of three shapes: `{"detail":{"status":…,"message":…}}`, the same with `type` and `code`, or
    /// `{"detail":[…]}` for a request that does not fit the schema. Of a body that is none of these the status alone
    /// counts.
    public init(status: Int, body: [UInt8], retryAfter: String? = nil) {
        self.init(
            Self.kind(named: Self.names(in: body), status: status), status: status,
            retryAfterMilliseconds: retryAfter.flatMap(Self.milliseconds))
    }

    /// What the service calls the error: `status`, then `code`; "[]" for a list of validation errors.
    private static func names(in body: [UInt8]) -> [String] {
        body.withUnsafeBytes { raw -> [String] in
            var scanner = JSONScanner(raw)
            guard case .object(let whole) = scanner.value(), scanner.finish() else { return [] }
            switch whole.member("detail") {
            case .array: return ["[]"]
            case .object(let detail):
                return [detail.member("status"), detail.member("code")].compactMap {
                    $0?.text?.string(limit: 64)
                }
            default: return []
            }
        }
    }

    private static func kind(named names: [String], status: Int) -> Kind {
        for name in names {
            if let kind = kind(named: name) { return kind }
        }
        switch status {
        case 401: return .badKey
        case 402: return .quota
        case 403: return .forbidden
        case 429: return .busy
        case 408: return .timedOut
        case 400...499: return .validation
        default: return .unavailable
        }
    }

    /// What an error called `name` means; nil for a name unknown to us.
    static func kind(named name: String) -> Kind? {
        switch name {
        case "invalid_api_key": .badKey
        case "quota_exceeded": .quota
        case "only_for_creator+": .forbidden
        case "voice_not_found": .voiceNotFound
        case "max_character_limit_exceeded": .tooLong
        case "too_many_concurrent_requests", "concurrent_limit_exceeded", "max_active_conversations":
            .tooManyConcurrent
        case "system_busy": .busy
        case "detected_unusual_activity": .unusualActivity
        case "input_timeout_exceeded": .timedOut
        case "[]": .validation
        default: nil
        }
    }

    /// The failure that a WebSocket's complaint is. One with a name unknown to us goes by the code: 1008 refuses what was
    /// asked, every other is the service's own trouble.
    public init(socket error: SpeechSocketError) {
        self.init(error.name.flatMap(Self.kind(named:)) ?? (error.code == 1008 ? .validation : .unavailable))
    }

    /// The failure that a WebSocket's close with `code` is, when nothing was complained about before: 1008 refuses, what
    /// the service closed without having said that all was spoken broke off.
    public init(socketClosed code: UInt16) {
        switch code {
        case 1008: self.init(.validation)
        case 1011: self.init(.unavailable)
        default: self.init(.network)
        }
    }

    /// Delay seconds (RFC 9110, 10.2.3) of an hour at most; a date is not looked into.
    private static func milliseconds(_ field: String) -> Int64? {
        guard let seconds = Int64(field), (0...3600).contains(seconds) else { return nil }
        return seconds * 1000
    }
}
