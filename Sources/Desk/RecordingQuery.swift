// The query of the list of recordings.

import Archive
import Net

/// What a list is asked for.
public struct RecordingQuery: Sendable {
    /// Which calls.
    public var filter = CallFilter()
    /// Where the page before ended.
    public var cursor: String?
    /// Most items on the page.
    public var limit = 50

    /// Every parameter and its meaning.
    public static let parameters: [(name: String, meaning: String)] = [
        ("from", "Started at this instant or later (RFC 3339)"),
        ("to", "Started before this instant (RFC 3339)"),
        ("carrier", "The carrier's name"), ("caller", "The calling number"), ("called", "The called number"),
        ("agent_id", "The agent"), ("call_id", "The carrier's id of the call, or ours"),
        ("state", "recording, rendering, sealed, recovered or failed"),
        ("end", "Whose doing the end was (carrier, caller, agent, server, network), why, or both as who:why"),
        ("origin", "Who made the recording: bridge, voicemail or carrier"),
        ("limit", "Most items on the page, 1 to 200"), ("cursor", "next_cursor of the page before"),
    ]

    /// Reads the query. A parameter that is unknown or cannot be read is a problem: a filter that is silently not
    /// applied shows more than was asked for.
    public static func read(_ query: [(name: String, value: String)]) -> Result<
        RecordingQuery, ParameterError
    > {
        var result = RecordingQuery()
        for (name, value) in query {
            guard result.set(name, value) else {
                let known = parameters.contains { $0.name == name }
                return .failure(ParameterError(name: known ? name : "(unknown)"))
            }
        }
        return .success(result)
    }

    /// A parameter that cannot be read.
    public struct ParameterError: Error {
        /// Its name, or "(unknown)".
        public var name: String
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "from":
            filter.from = ArchiveTime.parse(value)
            return filter.from != nil
        case "to":
            filter.to = ArchiveTime.parse(value)
            return filter.to != nil
        case "carrier": filter.carrier = value
        case "caller": filter.caller = Self.number(value)
        case "called": filter.called = Self.number(value)
        case "agent_id": filter.agentID = value
        case "call_id": filter.callID = value
        case "state":
            filter.state = RecordingState(rawValue: value)
            return filter.state != nil
        case "end":
            let parts = value.split(separator: ":", maxSplits: 1)
            filter.endWho = parts.first.flatMap { EndParty(rawValue: String($0)) }
            // A lone word that is no party is a reason: `end=hangup`.
            guard filter.endWho != nil || parts.count == 1 else { return false }
            filter.endWhy = (filter.endWho == nil ? parts.first : parts.dropFirst().first).map(String.init)
            return filter.endWho != nil || filter.endWhy != nil
        case "origin":
            filter.origin = RecordingOrigin(rawValue: value)
            return filter.origin != nil
        case "limit":
            guard let number = Int(value), (1...Catalog.pageLimit).contains(number) else { return false }
            limit = number
        case "cursor": cursor = value
        default: return false
        }
        return true
    }

    /// A "+" that nobody escaped arrives as a space.
    private static func number(_ value: String) -> String {
        value.hasPrefix(" ") ? "+" + value.dropFirst() : value
    }
}
