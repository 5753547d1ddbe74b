// Errors as clients see them (RFC 9457).

import Net
import Wire

/// A problem: what `application/problem+json` says.
public struct Problem: Error, Sendable, Hashable {
    /// The status.
    public var status: Int
    /// A stable token for programs: "recording_not_ready".
    public var code: String
    /// A sentence for people; nothing of what was asked for stands in it.
    public var detail: String
    /// What the log knows this error by.
    public var errorID: String?
    /// Further header fields.
    public var headers: [String: String]

    /// A problem made of its parts.
    public init(
        status: Int, code: String, detail: String, errorID: String? = nil, headers: [String: String] = [:]
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.errorID = errorID
        self.headers = headers
    }

    /// As JSON. The type is "about:blank", so the title is the status's own phrase (§4.2.1); `code` and `error_id` are
    /// extension members (§3.2).
    public var json: String {
        var members: [(name: String, json: String)] = [
            ("type", JSON.quoted("about:blank")), ("title", JSON.quoted(Self.phrase(status))),
            ("status", String(status)), ("code", JSON.quoted(code)), ("detail", JSON.quoted(detail)),
        ]
        if let errorID { members.append(("error_id", JSON.quoted(errorID))) }
        return JSON.object(members)
    }

    /// As a response.
    public var response: HTTPResponse {
        var fields: [(name: String, value: String)] = [
            ("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { fields.append((name, value)) }
        return HTTPResponse(status: status, headers: fields, body: .bytes(Array(json.utf8)))
    }

    /// The phrase of a status (RFC 9110 §15; 429 and 431 are RFC 6585's).
    static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 410: "Gone"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }

    static let notFound = Problem(status: 404, code: "not_found", detail: "There is nothing here.")
    static let unknownRecording = Problem(
        status: 404, code: "unknown_recording", detail: "There is no recording of this id.")
    static let preconditionFailed = Problem(
        status: 412, code: "precondition_failed", detail: "The recording is not the one you have.")

    static let unknownCall = Problem(
        status: 404, code: "unknown_call", detail: "There is no call of this id.")
    static let unknownContext = Problem(
        status: 404, code: "unknown_context", detail: "Nothing is known of this number.")
    static let noConversation = Problem(
        status: 404, code: "no_conversation", detail: "ElevenLabs has said nothing of this call yet.")

    static let tooLarge = Problem(status: 413, code: "too_large", detail: "The body is too large.")

    /// What the server below refuses before anybody here is asked.
    static func low(_ status: Int) -> Problem {
        switch status {
        case 413: .tooLarge
        case 426:
            Problem(status: 426, code: "upgrade_required", detail: "This address wants WebSocket version 13.")
        case 431:
            Problem(
                status: 431, code: "header_too_large", detail: "Request line and header fields are too large."
            )
        case 503:
            Problem(status: 503, code: "busy", detail: "There is no memory for so large a body now.")
        case 400:
            Problem(
                status: 400, code: "bad_request",
                detail: "The request's target, length or upgrade cannot be read.")
        default:
            Problem(status: status, code: "internal_error", detail: "The answer could not be sent.")
        }
    }
}
