// The query of the list of recordings.

import Archive
import Calls
import Carriers
import Net

/// What a list is asked for.
public struct RecordingQuery: Sendable {
    /// Which calls.
    public var filter = CallFilter()
    /// Where the page before ended.
    public var cursor: String?
    /// Most items on the page.
    public var limit = 50

    /// Every parameter.
    public static let parameters: [QueryParameter] = [
        QueryParameter(
            name: "from", meaning: "Started at this instant or later (RFC 3339)", schema: JSONSchema.instant),
        QueryParameter(
            name: "to", meaning: "Started before this instant (RFC 3339)", schema: JSONSchema.instant),
        QueryParameter(
            name: "carrier",
            meaning:
                "The carrier's name: twilio, telnyx, exotel, or unknown for streams that never said theirs",
            schema: JSONSchema.oneOf(Carrier.names)),
        QueryParameter(name: "caller", meaning: "The calling number", schema: JSONSchema.words),
        QueryParameter(name: "called", meaning: "The called number", schema: JSONSchema.words),
        QueryParameter(name: "agent_id", meaning: "The agent", schema: JSONSchema.words),
        QueryParameter(
            name: "call_id", meaning: "The carrier's id of the call, or ours", schema: JSONSchema.words),
        QueryParameter(
            name: "state", meaning: "recording, rendering, sealed, recovered or failed",
            schema: JSONSchema.choice(RecordingState.self)),
        QueryParameter(
            name: "end",
            meaning:
                "Whose doing the end was (carrier, caller, agent, server, network), why, or both as who:why",
            schema: endSchema),
        QueryParameter(
            name: "origin", meaning: "Who made the recording: bridge, voicemail or carrier",
            schema: JSONSchema.choice(RecordingOrigin.self)),
        QueryParameter(name: "limit", meaning: "Most items on the page, 1 to 200", schema: JSONSchema.limit),
        QueryParameter(
            name: "cursor", meaning: "next_cursor of the page before", schema: JSONSchema.text),
    ]

    private static let endSchema: String = {
        let who = EndParty.allCases.map(\.rawValue).joined(separator: "|")
        let why = CallEndReason.allCases.map(\.rawValue).joined(separator: "|")
        return JSONSchema.pattern("^((\(who))(:(\(why)))?|\(why))$")
    }()

    /// Reads the query. A parameter that is unknown, stands there twice or cannot be read is a problem: a filter that
    /// is silently not applied shows more than was asked for.
    public static func read(_ query: [(name: String, value: String)]) -> Result<
        RecordingQuery, ParameterError
    > {
        var result = RecordingQuery()
        let error = ParameterError.first(in: query, of: parameters) { result.set($0, $1) }
        return error.map { .failure($0) } ?? .success(result)
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "from":
            filter.from = ArchiveTime.parse(value)
            return filter.from != nil
        case "to":
            filter.to = ArchiveTime.parse(value)
            return filter.to != nil
        case "carrier":
            guard Carrier.names.contains(value) else { return false }
            filter.carrier = value
        case "caller": filter.caller = Self.number(value)
        case "called": filter.called = Self.number(value)
        case "agent_id": filter.agentID = value
        case "call_id": filter.callID = value
        case "state":
            filter.state = RecordingState(rawValue: value)
            return filter.state != nil
        case "end": return setEnd(value)
        case "origin":
            filter.origin = RecordingOrigin(rawValue: value)
            return filter.origin != nil
        case "limit":
            guard let number = ParameterError.limit(value, most: Catalog.pageLimit) else { return false }
            limit = number
        case "cursor": cursor = value
        default: return false
        }
        return !value.isEmpty
    }

    /// `who`, `why` or `who:why`; no party bears a reason's name.
    private mutating func setEnd(_ value: String) -> Bool {
        let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let who = parts.first.flatMap { EndParty(rawValue: String($0)) }
        let why = parts.last.flatMap { CallEndReason(rawValue: String($0)) }
        guard parts.count == 1 ? who != nil || why != nil : who != nil && why != nil else { return false }
        (filter.endWho, filter.endWhy) = (who, why?.rawValue)
        return true
    }

    /// A "+" that nobody escaped arrives as a space.
    private static func number(_ value: String) -> String {
        value.hasPrefix(" ") ? "+" + value.dropFirst() : value
    }
}
