// What of a webhook is kept and what of it a log may hold: all its fields, no secrets; of its kind, words that we know.

import Net
import Signalling
import Wire

extension SwitchboardParts {
    /// `kind` as a log may hold it: whoever sends a webhook chooses its words, so that one we do not know is `other`.
    static func logged(_ kind: String) -> String {
        if knownKinds.contains(kind) { return kind }
        if case .other = TelnyxEventKind(kind) { return "other" }
        return TelnyxEventKind(kind).name
    }

    private static let knownKinds: Set<String> = Set(
        TwilioCallStatus.allCases.map { "call." + $0.rawValue }
            + TwilioStreamStatus.Event.allCases.map(\.rawValue)
            // carriers.md §2.4.5, §4.1.4, and elevenlabs.md §4.5.
            + ["in-progress", "completed", "absent", "failed", "unknown"].map { "recording." + $0 }
            + ["completed", "failed", "unknown"].map { "stream." + $0 }
            + ["call.incoming", "call.unknown", "stream-unknown", "call.terminal"]
            + ["post_call_transcription", "post_call_audio", "call_initiation_failure"])

    /// `text` without the tokens and keys of our own addresses, which carriers tell back (carriers.md §3.1.6), some of them
    /// percent-encoded once more, and without Telnyx's `stream_auth_token`.
    static func withoutTokens(_ text: String) -> String {
        text.replacing(
            /((?:[?&]|\\u0026|%(?:25)*(?:3[Ff]|26))(?:token|key)(?:=|%(?:25)*3[Dd]))(?:(?!%(?:25)*26)[^"&\\\s])+/
        ) { "\($0.output.1)" }
        .replacing(/("stream_auth_token"\s*:\s*")(?:[^"\\]|\\.)*/) { "\($0.output.1)" }
    }

    /// Fields that hold a secret of ours.
    private static let secretFields: Set<String> = ["key", "token", "stream_auth_token"]

    private static func isObject(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { raw in
            var scanner = JSONScanner(raw)
            guard case .object = scanner.value() else { return false }
            return scanner.finish()
        }
    }

    /// All fields of a request as one JSON object; a body that is none of the kinds we know is left out. Tokens and keys
    /// of ours are not kept.
    static func detail(_ request: HTTPRequest) -> String {
        let isJSON = request.header("Content-Type")?.lowercased().hasPrefix("application/json") == true
        if isJSON, request.body.count <= 60 << 10, let text = String(validating: request.body, as: UTF8.self),
            isObject(request.body)
        {
            return withoutTokens(text)
        }
        var fields = request.query
        if !isJSON, let form = FormFields(request.body) { fields += form.fields }
        fields.removeAll { secretFields.contains($0.name) }
        var seen: Set<String> = []
        let members = fields.filter { seen.insert($0.name).inserted }
            .map { (name: $0.name, json: JSON.quoted(withoutTokens($0.value))) }
        let text = JSON.object(members)
        return text.utf8.count <= 60 << 10 ? text : "{}"
    }
}
