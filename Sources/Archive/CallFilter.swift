// Which calls a list shows.

/// Conditions on calls; all that are set must hold.
public struct CallFilter: Sendable, Hashable {
    /// Started at this instant or later (microseconds UTC).
    public var from: Int64?
    /// Started before this instant (microseconds UTC).
    public var to: Int64?
    /// The carrier's name.
    public var carrier: String?
    /// The calling number, exactly as the carrier gave it.
    public var caller: String?
    /// The called number, exactly as the carrier gave it.
    public var called: String?
    /// The agent.
    public var agentID: String?
    /// The carrier's identifier of the call, or ours.
    public var callID: String?
    /// How far the recording is.
    public var state: RecordingState?
    /// Whose doing the end was.
    public var endWho: EndParty?
    /// Why it ended.
    public var endWhy: String?
    /// Who made the recording.
    public var origin: RecordingOrigin?

    /// Every call.
    public init() {}

    /// Whether a column of `calls` is narrowed by equality.
    private var narrowsCalls: Bool {
        carrier != nil || caller != nil || called != nil || agentID != nil || callID != nil || endWho != nil
            || endWhy != nil
    }

    /// What follows SELECT … : FROM and WHERE, with the values to bind, and the columns of time and id to order by.
    ///
    /// CROSS JOIN fixes which table leads, so that the order always comes from an index: `recordings` when only the
    /// state narrows (few are unfinished), `calls` otherwise.
    func query(after cursor: PageCursor?) -> (sql: String, values: [SQLiteValue], time: String, id: String) {
        // Few recordings are a carrier's or an answering machine's, nearly all are a bridge's.
        let recordingsLead = (state != nil || (origin != nil && origin != .bridge)) && !narrowsCalls
        let time = recordingsLead ? "r.started_at" : "c.started_at"
        let id = recordingsLead ? "r.call_id" : "c.id"
        var conditions: [String] = []
        var values: [SQLiteValue] = []
        func add(_ condition: String, _ bound: [SQLiteValue]) {
            conditions.append(condition)
            values += bound
        }
        if let state { add("r.state = ?", [.text(state.rawValue)]) }
        if let origin {
            // The index of origins has all but the bridge's rows, and SQLite must see that this is none of them.
            if origin != .bridge { add("r.origin <> 'bridge'", []) }
            add("r.origin = ?", [.text(origin.rawValue)])
        }
        if let carrier { add("c.carrier = ?", [.text(carrier)]) }
        if let caller { add("c.caller = ?", [.text(caller)]) }
        if let called { add("c.called = ?", [.text(called)]) }
        if let agentID { add("c.agent_id = ?", [.text(agentID)]) }
        if let endWho { add("c.end_who = ?", [.text(endWho.rawValue)]) }
        if let endWhy { add("c.end_why = ?", [.text(endWhy)]) }
        if let callID {
            add(
                "c.id IN (SELECT ? UNION SELECT id FROM calls WHERE carrier_call_id = ?)",
                [.text(callID), .text(callID)])
        }
        if let from { add("\(time) >= ?", [.integer(from)]) }
        if let to { add("\(time) < ?", [.integer(to)]) }
        if let cursor {
            add("(\(time), \(id)) < (?, ?)", [.integer(cursor.startedAt), .text(cursor.id)])
        }
        let tables =
            recordingsLead
            ? "recordings r CROSS JOIN calls c ON c.id = r.call_id"
            : "calls c CROSS JOIN recordings r ON r.call_id = c.id"
        let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return (" FROM " + tables + condition, values, time, id)
    }
}

/// A page of a list.
public struct CallPage: Sendable, Hashable {
    /// The calls, newest first.
    public var items: [ListedCall]
    /// The cursor of the next page; nil on the last.
    public var next: String?
}
