// The list of the simulated history, page by page; it checks what it is asked (elevenlabs.md 4.1).

import Net

/// How a list of conversations ends. All but the first are faults of the service, for clients to survive.
public enum SimulatedListEnd: Sendable, Hashable, CaseIterable {
    /// With its last page.
    case last
    /// Never: behind the last page come empty ones, each with a new cursor.
    case never
    /// Never: the second page names itself as the next.
    case circle
    /// With a page that says there are more, and does not say where.
    case noCursor
}

extension SimulatedConversations {
    private static let parameters: Set<String> = [
        "cursor", "agent_id", "call_successful", "call_start_before_unix", "call_start_after_unix",
        "call_duration_min_secs", "call_duration_max_secs", "user_id", "page_size", "summary_mode", "search",
        "conversation_initiation_source", "text_only", "branch_id", "version_id", "main_languages",
        "phone_number_ids", "tool_names", "rating_min", "rating_max", "has_feedback_comment",
        "exclude_statuses", "termination_reasons", "tag_ids", "sort_direction",
    ]

    /// Answers a question for the list.
    func list(_ request: HTTPRequest, _ place: String) -> HTTPResponse {
        func invalid(_ name: String) -> HTTPResponse {
            desk.fault(place, "\(name) has a value that is not allowed")
            return RESTDesk.json(
                422,
                [
                    "detail": [
                        ["loc": ["query", .text(name)], "msg": "Input is not valid", "type": "value_error"]
                    ]
                ])
        }
        for (name, _) in request.query where !Self.parameters.contains(name) {
            desk.fault(place, "a query parameter is not known")
        }
        let size = request.parameter("page_size").map { Int($0) ?? 0 } ?? 30
        guard (1...100).contains(size) else { return invalid("page_size") }
        guard let begin = begin(request, place) else { return invalid("cursor") }
        var bounds: [String: Int64] = [:]
        for name in ["call_start_before_unix", "call_start_after_unix"] {
            guard let text = request.parameter(name) else { continue }
            guard let value = Int64(text) else { return invalid(name) }
            bounds[name] = value
        }
        let direction = request.parameter("sort_direction") ?? "desc"
        guard ["asc", "desc"].contains(direction) else { return invalid("sort_direction") }
        let agent = request.parameter("agent_id")
        let found = histories.value.values.filter {
            (agent == nil || $0.agentID == agent) && $0.start < bounds["call_start_before_unix"] ?? .max
                && $0.start > bounds["call_start_after_unix"] ?? .min
        }.sorted {
            let isBefore = ($0.start, $0.conversationID) < ($1.start, $1.conversationID)
            return direction == "asc" ? isBefore : !isBefore
        }
        let page = found.dropFirst(begin).prefix(size)
        let next = next(begin, page.count, of: found.count)
        var cursor: String?
        if let next, settings.listEnd != .noCursor { cursor = makeCursor(next, of: request) }
        return RESTDesk.json(
            200,
            [
                "conversations": .list(page.map { $0.listed(isDone: $0.processingAsks == 0) }),
                "next_cursor": RESTValue(cursor), "has_more": .bool(next != nil),
            ])
    }

    /// Where the page after begins; nil when there is none.
    private func next(_ begin: Int, _ count: Int, of total: Int) -> Int? {
        switch settings.listEnd {
        case .last: begin + count < total ? begin + count : nil
        case .never: begin + max(count, 1)
        case .circle: begin == 0 ? max(count, 1) : begin
        case .noCursor: begin + count
        }
    }

    /// The parameters that make a question what it is: not where its page begins, nor how long that is.
    private func parameters(_ request: HTTPRequest) -> [String: String] {
        Dictionary(
            request.query.filter { $0.name != "cursor" && $0.name != "page_size" }.map {
                ($0.name, $0.value)
            },
            uniquingKeysWith: { first, _ in first })
    }

    private func makeCursor(_ begin: Int, of request: HTTPRequest) -> String {
        let cursor = "after_\(begin)"
        cursors.change { $0[cursor] = parameters(request) }
        return cursor
    }

    /// Where the page begins; nil for a cursor that was not given out: they are this service's own and not to be made up.
    private func begin(_ request: HTTPRequest, _ place: String) -> Int? {
        guard let cursor = request.parameter("cursor") else { return 0 }
        guard let asked = cursors.value[cursor] else { return nil }
        if asked != parameters(request) { desk.fault(place, "a cursor is used for another question") }
        return Int(cursor.dropFirst(6))
    }
}
