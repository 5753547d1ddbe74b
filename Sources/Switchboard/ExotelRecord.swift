// What is kept of Exotel's webhooks: the fields that are known, never the stream's address.

import Archive
import Signalling
import Wire

/// Makes rows of Exotel's webhooks.
///
/// Passthru gives back the stream's URL, with the credentials and the token in it, under a name that differs between
/// Exotel's documents and nested in several ways (carriers.md §4.1.3). So what is known to be harmless is kept, by name.
enum ExotelRecord {
    /// The row of `call`, told from all others by `key`.
    static func row(_ call: ExotelCallback, kind: String, key: String) -> CarrierEventRow {
        let now = ArchiveTime.now()
        // What has no name of its own is told from others by when it came.
        let isNameless = call.callSid == nil && call.customField == nil
        return CarrierEventRow(
            carrier: "exotel", key: clipped(isNameless ? "\(key):\(now)" : key, 256),
            carrierCallID: call.callSid, kind: clipped(kind, 64), receivedAt: now, detail: detail(call))
    }

    /// The known fields of `call` as one JSON object, in Exotel's names.
    static func detail(_ call: ExotelCallback) -> String {
        var members = present([
            ("CallSid", call.callSid), ("flow_id", call.flowID), ("Direction", call.direction),
            ("From", call.from), ("To", call.to), ("EventType", call.eventType), ("Status", call.status),
            ("CustomField", call.customField), ("StartTime", call.startTime), ("EndTime", call.endTime),
            ("DateUpdated", call.dateUpdated), ("RecordingUrl", call.recordingURL),
        ])
        if let seconds = call.seconds { members.append(("ConversationDuration", String(seconds))) }
        if let stream = call.stream {
            var inner = present([
                ("StreamSID", stream.streamID), ("Status", stream.status),
                ("RecordingUrl", stream.recordingURL), ("DisconnectedBy", stream.disconnectedBy?.rawValue),
                ("Error", stream.error.map(harmless)), ("DetailedStatus", stream.detailedStatus),
            ])
            if let seconds = stream.seconds { inner.append(("Duration", String(seconds))) }
            members.append(("Stream", JSON.object(inner)))
        }
        if !call.legs.isEmpty {
            let legs = call.legs.map { leg in
                JSON.object([
                    ("Status", JSON.quoted(leg.status)), ("OnCallDuration", JSON.number(leg.seconds)),
                ])
            }
            members.append(("Legs", JSON.array(legs)))
        }
        return JSON.object(members)
    }

    /// An error's text without addresses.
    private static func harmless(_ error: String) -> String {
        error.split(separator: " ").filter { !$0.contains("://") }.joined(separator: " ")
    }

    /// At most `limit` bytes of `text`, whole characters.
    private static func clipped(_ text: String, _ limit: Int) -> String {
        var clipped = String(text.prefix(limit))
        while clipped.utf8.count > limit { clipped.removeLast() }
        return clipped
    }

    private static func present(_ fields: [(String, String?)]) -> [(name: String, json: String)] {
        fields.compactMap { name, value in value.map { (name, JSON.quoted($0)) } }
    }
}
