// The JSON beside an exported MP3: call, recording, turns, events, metrics, with the API's names.

import Archive
import Desk
import Foundation

/// The document of one exported call.
enum ExportDocument {
    /// The document, its members sorted, so that the same call gives the same bytes.
    /// - Throws: `CommandFailure` when a stored value is no JSON.
    static func json(_ detail: RecordingDetail, audio: String?) throws(CommandFailure) -> Data {
        let transcript = Transcript(callID: detail.call.id, rate: detail.call.rate, turns: detail.turns)
        do {
            var call = try object(RecordingJSON.detail(detail))
            let spoken = try object(transcript.render(.json))
            var document: [String: Any] = ["turns": spoken["turns"] ?? [], "audio_file": audio ?? NSNull()]
            call["turns"] = nil
            for name in ["recording", "events", "metrics"] { document[name] = call.removeValue(forKey: name) }
            document["call"] = call
            var bytes = try JSONSerialization.data(
                withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
            bytes.append(0x0A)
            return bytes
        } catch {
            throw CommandFailure(.storage, "\(detail.call.id) cannot be written as JSON: \(error)")
        }
    }

    /// The identifier of the call in a document; nil when it is none.
    static func identifier(inFile path: String) -> String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try (object(String(decoding: bytes, as: UTF8.self))["call"] as? [String: Any])?["id"]
                as? String
        } catch {
            return nil
        }
    }

    /// Whether `new` is a later document of the call whose document stands in `path`: the same call with the same sealed
    /// audio, and nothing that was told of it before is missing.
    static func isSuperseded(_ path: String, by new: Data) -> Bool {
        guard let bytes = FileManager.default.contents(atPath: path) else { return false }
        do {
            let before = try object(String(decoding: bytes, as: UTF8.self))
            let after = try object(String(decoding: new, as: UTF8.self))
            func member(_ document: [String: Any], _ group: String, _ name: String) -> String? {
                (document[group] as? [String: Any])?[name] as? String
            }
            func turns(_ document: [String: Any]) -> Int { (document["turns"] as? [Any])?.count ?? 0 }
            guard let id = member(after, "call", "id"), member(before, "call", "id") == id,
                member(before, "recording", "sha256") == member(after, "recording", "sha256")
            else { return false }
            let losesConversation =
                member(before, "call", "conversation") != nil && member(after, "call", "conversation") == nil
            return !losesConversation && turns(before) <= turns(after)
        } catch {
            // What is no document of ours is not replaced.
            return false
        }
    }

    private struct NotAnObject: Error {}

    private static func object(_ text: String) throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw NotAnObject()
        }
        return object
    }
}
