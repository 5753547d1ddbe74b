// The archive's calls against ElevenLabs' conversations, by the conversation's identifier.

import Agents
import Archive

/// What both have, and what only one of them has. Says no number and no word that was said.
struct ArchiveComparison: Sendable, Hashable {
    /// A call and the conversation it carried.
    struct Pair: Sendable, Hashable {
        var call: CallRow
        var listed: ListedConversation
    }

    /// What is compared: instants in microseconds UTC, `from` included and `to` not.
    struct Window: Sendable, Hashable {
        var from: Int64
        var to: Int64
        var agentID: String?

        /// How far beyond its edges the list is asked for, in seconds: a conversation begins when the call has rung and
        /// waited, and two clocks are never one.
        static let margin: Int64 = 3600
        private static let second: Int64 = 1_000_000

        /// The question for every conversation that a call of this time may have carried.
        var query: ConversationListQuery {
            var query = ConversationListQuery()
            query.agentID = agentID
            query.startedAfter = max(from / Self.second - Self.margin, 0)
            query.startedBefore = max(to / Self.second + Self.margin + 1, 0)
            return query
        }

        /// The calls of this time.
        var filter: CallFilter {
            var filter = CallFilter()
            filter.from = from
            filter.to = to
            filter.agentID = agentID
            return filter
        }

        /// Whether a conversation began in it.
        func contains(_ listed: ListedConversation) -> Bool {
            let (instant, isTooLarge) = listed.startedAt.multipliedReportingOverflow(by: Self.second)
            return !isTooLarge && from <= instant && instant < to
        }
    }

    /// Calls and their conversations, whatever their lengths; those whose end is still to come among them.
    var matched = 0
    /// Calls or conversations of `matched` that are not over yet, and running calls that the list does not have yet.
    var unfinished = 0
    /// Calls that are over and had no conversation: nobody answered, an answering machine, a carrier's recording.
    var withoutConversation = 0
    /// Conversations that no call carried, newest first.
    var onlyListed: [ListedConversation] = []
    /// Calls that are over and whose conversation is not listed, newest first.
    var onlyArchived: [CallRow] = []
    /// Pairs whose lengths differ by more than the tolerance.
    var differing: [Pair] = []

    /// Whether both say the same.
    var agrees: Bool { onlyListed.isEmpty && onlyArchived.isEmpty && differing.isEmpty }

    /// Compares `listed`, all that answers `window.query`, with `calls`, all that pass `window.filter`. `carrier` tells the
    /// call of a conversation, whenever it was; lengths may differ by `tolerance` seconds.
    init(
        _ listed: [ListedConversation], _ calls: [CallRow], in window: Window, tolerance: Int,
        carrier: (String) throws(ArchiveError) -> CallRow?
    ) throws(ArchiveError) {
        var paired: Set<String> = []
        var byID: [String: ListedConversation] = [:]
        for conversation in listed {
            byID[conversation.conversationID] = conversation
            guard window.contains(conversation) else { continue }
            guard let call = try carrier(conversation.conversationID) else {
                onlyListed.append(conversation)
                continue
            }
            paired.insert(call.id)
            take(Pair(call: call, listed: conversation), tolerance)
        }
        for call in calls where !paired.contains(call.id) {
            if let id = call.conversationID, let conversation = byID[id] {
                take(Pair(call: call, listed: conversation), tolerance)
            } else if call.endedAt == nil {
                unfinished += 1
            } else if call.conversationID == nil {
                withoutConversation += 1
            } else {
                onlyArchived.append(call)
            }
        }
    }

    private mutating func take(_ pair: Pair, _ tolerance: Int) {
        matched += 1
        guard pair.call.endedAt != nil, pair.listed.isFinal else {
            unfinished += 1
            return
        }
        let (there, isTooLarge) = pair.listed.durationSeconds.multipliedReportingOverflow(by: 1000)
        let (distance, overflows) = there.subtractingReportingOverflow(pair.call.milliseconds)
        let isWithin = !isTooLarge && !overflows && distance.magnitude <= UInt64(max(tolerance, 0)) * 1000
        if !isWithin { differing.append(pair) }
    }
}

extension CallRow {
    /// Its length in milliseconds, rounded down.
    var milliseconds: Int64 { TextTable.milliseconds(durationSamples, rate: rate) }
}
