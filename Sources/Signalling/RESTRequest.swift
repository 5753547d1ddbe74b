// A request to a carrier's REST service and its answer, as values; and the ways in which it can fail.

import Wire

/// A request, ready to be sent by whatever client.
public struct RESTRequest: Sendable, Discreet {
    /// `GET`, `POST` or `DELETE`.
    public var method: String
    /// An `http:` or `https:` URL.
    public var url: String
    /// Header fields in order, the credentials among them.
    public var headers: [(name: String, value: String)]
    /// The body; empty for none.
    public var body: [UInt8]
    /// Whether sending it again after a lost answer does no further thing.
    public var mayRepeat: Bool

    /// A request made of its parts.
    public init(
        method: String, url: String, headers: [(name: String, value: String)], body: [UInt8] = [],
        mayRepeat: Bool
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.mayRepeat = mayRepeat
    }

    /// The value of an `Authorization` field for a name and a password (RFC 7617 §2).
    static func basic(_ name: String, _ password: String) -> String {
        var output = Array("Basic ".utf8)
        Array("\(name):\(password)".utf8).withUnsafeBytes { Base64.encode($0, into: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    /// `text` as one segment of a path: all but unreserved characters and colons, which
    /// carriers' identifiers have, is percent-encoded.
    static func segment(_ text: String) -> String {
        let segment = PercentCoding.encoded(text, keeping: UInt8(ascii: ":"))
        // A path must not be walked up.
        return segment == "." || segment == ".." ? segment.replacing(".", with: "%2E") : segment
    }

    /// `base` without a slash at its end.
    static func trimmed(_ base: String) -> String {
        var base = base[...]
        while base.last == "/" { base = base.dropLast() }
        return String(base)
    }

    /// The present ones of `fields` as a query with its question mark; empty for none.
    static func query(_ fields: [(String, String?)]) -> String {
        let body = form(fields).body
        return body.isEmpty ? "" : "?" + String(decoding: body, as: UTF8.self)
    }

    /// The present ones of `fields`.
    static func form(_ fields: [(String, String?)]) -> FormFields {
        FormFields(fields.compactMap { name, value in value.map { (name: name, value: $0) } })
    }
}

/// Why a REST request failed. Says no number, no text and no secret.
public enum RESTFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The credentials were refused.
    case unauthorized
    /// There is no such thing.
    case notFound
    /// The call is over: a hang-up that fails so has done its work.
    case alreadyOver
    /// Too many requests; the service may say for how many seconds to wait.
    case rateLimited(retryAfter: Int?)
    /// The request was refused, with the carrier's own code when told.
    case invalid(code: Int?)
    /// The service fails or is overloaded: try later. What it was asked for may have been done.
    case unavailable
    /// The answer is not what was asked for.
    case malformed
    /// The service could not be reached: nothing was done.
    case network
    /// The request went out and no answer came: it may have been done.
    case unanswered

    /// What is wrong.
    public var description: String {
        switch self {
        case .unauthorized: "the credentials were refused"
        case .notFound: "there is no such resource"
        case .alreadyOver: "the call is already over"
        case .rateLimited: "too many requests"
        case .invalid: "the request was refused as invalid"
        case .unavailable: "the service is unavailable"
        case .malformed: "the answer cannot be understood"
        case .network: "the service cannot be reached"
        case .unanswered: "the service has not answered"
        }
    }

    /// One word for logs, metrics and rows.
    public var token: String {
        switch self {
        case .unauthorized: "unauthorized"
        case .notFound: "not_found"
        case .alreadyOver: "already_over"
        case .rateLimited: "rate_limited"
        case .invalid: "invalid"
        case .unavailable: "unavailable"
        case .malformed: "malformed"
        case .network: "network"
        case .unanswered: "unanswered"
        }
    }

    /// Whether too much was asked.
    public var isRateLimit: Bool { if case .rateLimited = self { true } else { false } }

    /// Whether the same request may succeed later.
    public var isPassing: Bool {
        switch self {
        case .rateLimited, .unavailable, .network, .unanswered: true
        default: false
        }
    }
}

/// The answer to a `RESTRequest`.
public struct RESTAnswer: Sendable, Discreet {
    /// The status code.
    public var status: Int
    /// Header fields.
    public var headers: [(name: String, value: String)]
    /// The body, bounded by whoever read it.
    public var body: [UInt8]

    /// An answer made of its parts.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Throws the failure that the status tells; `code` reads the carrier's own code out of an error's body.
    func check(_ code: (RESTAnswer) -> Int?) throws(RESTFailure) {
        switch status {
        case 200...299: return
        case 401, 403: throw .unauthorized
        case 404, 410: throw .notFound
        case 429: throw .rateLimited(retryAfter: retryAfter)
        case 408, 425, 500...599: throw .unavailable
        case 400...499: throw .invalid(code: code(self))
        default: throw .malformed
        }
    }

    /// `Retry-After` in seconds, up to a day (RFC 9110 §10.2.3; a date is not read).
    private var retryAfter: Int? {
        let value = headers.first { $0.name.lowercased() == "retry-after" }?.value
        return value.flatMap { Int($0) }.flatMap { $0 >= 0 ? min($0, 86_400) : nil }
    }

    /// What `read` makes of the body, which must be one JSON object. Throws `malformed`.
    func object<Value>(_ read: (JSONFields) throws(RESTFailure) -> Value) throws(RESTFailure) -> Value {
        let result: Result<Value, RESTFailure> = body.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard let value = scanner.value(), scanner.finish(), let object = value.object else {
                return .failure(.malformed)
            }
            do throws(RESTFailure) { return .success(try read(JSONFields(object))) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
