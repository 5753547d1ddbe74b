// Commands to Telnyx's calls, as this server gives them.

import Archive
import Signalling
import Telemetry

/// Sends commands. Each bears the call's role and an id, under which Telnyx ignores a repetition for 60 s.
struct TelnyxCommands: Sendable {
    let parts: SwitchboardParts
    private let api: TelnyxREST

    /// Most characters of a text that is spoken (carriers.md §3.1.5).
    static let speechLimit = 3000

    init(_ parts: SwitchboardParts) {
        self.parts = parts
        api = TelnyxREST(
            base: parts.settings.telnyx.baseURL,
            key: String(decoding: parts.settings.telnyx.apiKey.bytes, as: UTF8.self))
    }

    /// Whether there is a key to command with.
    var isAble: Bool { !parts.settings.telnyx.apiKey.isEmpty }

    /// Answers call `id`, with its stream.
    func answer(_ id: String, as role: TelnyxRole, streaming: TelnyxStreaming? = nil)
        async throws(RESTFailure)
    {
        try await send { () throws(SignallingError) in
            try api.answer(id, streaming: streaming, tag: tag("answer-" + role.rawValue, id, role))
        }
    }

    /// Begins the stream of call `id`.
    func startStreaming(_ id: String, _ streaming: TelnyxStreaming) async throws(RESTFailure) {
        try await send { () throws(SignallingError) in
            try api.startStreaming(id, streaming, tag: tag("stream", id, .laterStream))
        }
    }

    /// Speaks `text` in call `id`, in `language` where a rule names one.
    func speak(
        _ id: String, _ text: String, as role: TelnyxRole, voice: String? = nil, language: String? = nil
    ) async throws(RESTFailure) {
        let voice = voice ?? parts.settings.telnyx.voice
        var speech = TelnyxSpeech(
            String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.speechLimit))),
            voice: voice, isSSML: false,
            language: Self.language(language, configured: parts.settings.words.language))
        // The voices without a provider are those of the basic level.
        if !voice.contains(".") { speech.serviceLevel = "basic" }
        let spoken = speech
        try await send { () throws(SignallingError) in
            try api.speak(id, spoken, tag: tag("speak-" + role.rawValue, id, role))
        }
    }

    /// The language of a speech: what a rule says. Rules have ISO 639-1 for ElevenLabs, `speak` a region, too: the configured
    /// one where the language is the same, else the first of Telnyx's list.
    static func language(_ ruled: String?, configured: String) -> String {
        guard let ruled, !ruled.isEmpty else { return configured }
        let wanted = ruled.lowercased() + "-"
        if configured.lowercased().hasPrefix(wanted) { return configured }
        return languages.first { $0.lowercased().hasPrefix(wanted) } ?? ruled
    }

    /// The languages of `speak` (Telnyx's library guide, Supported Languages).
    private static let languages = [
        "cy-GB", "da-DK", "de-DE", "en-US", "en-AU", "en-GB", "en-IN", "es-ES", "es-MX", "es-US", "fr-FR",
        "fr-CA", "hi-IN", "is-IS", "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-NL", "pl-PL", "pt-PT", "pt-BR",
        "ro-RO", "ru-RU", "sv-SE", "tr-TR",
    ]

    /// Begins the recording of a message in call `id`.
    func record(_ id: String, _ recording: TelnyxRecordStart) async throws(RESTFailure) {
        var recording = recording
        // Nothing of the numbers: whoever sees the file's name learns nothing.
        recording.fileName = "voicemail-" + Self.mark(id)
        let wanted = recording
        try await send { () throws(SignallingError) in
            try api.startRecording(id, wanted, tag: tag("record", id, .voicemail))
        }
    }

    /// Ends call `id`. That it is over already is no failure.
    func hangUp(_ id: String) async {
        guard isAble else { return }
        do throws(RESTFailure) {
            try await send { () throws(SignallingError) in
                api.hangUp(id, tag: TelnyxTag(commandID: "hangup-" + Self.mark(id)))
            }
        } catch {
            // Told by the sender's log and count; the carrier's own limits end the call.
            parts.log(.error, "telnyx_hangup_failed", ["cause": .text(error.token)])
        }
    }

    /// The recording `recordingID` with fresh addresses.
    func recording(_ recordingID: String) async throws(RESTFailure) -> TelnyxRecording {
        try await parts.rest.send(
            api.fetchRecording(recordingID), to: "telnyx", read: TelnyxREST.recording)
    }

    /// The recordings of call `id`, the latest of them on the first page.
    func recordings(ofCall id: String) async throws(RESTFailure) -> [TelnyxRecording] {
        try await parts.rest.send(
            api.listRecordings(callControlID: id), to: "telnyx", read: TelnyxREST.recordings
        ).items
    }

    /// What was said in recording `recordingID`, when Telnyx has written it down.
    func transcription(of recordingID: String) async throws(RESTFailure) -> String? {
        try await parts.rest.send(
            api.listTranscriptions(recordingID: recordingID), to: "telnyx", read: TelnyxREST.transcriptions
        ).items.first { $0.recordingID == recordingID && $0.text != nil }?.text
    }

    private func send(_ make: () throws(SignallingError) -> RESTRequest) async throws(RESTFailure) {
        let request: RESTRequest
        do throws(SignallingError) {
            request = try make()
        } catch {
            parts.log(.error, "telnyx_command_impossible", ["error": .text("\(error)")])
            throw .invalid(code: nil)
        }
        try await parts.rest.send(request, to: "telnyx") { (answer) throws(RESTFailure) in
            do throws(RESTFailure) {
                try TelnyxREST.command(answer)
            } catch .alreadyOver where request.url.hasSuffix("/hangup") {
                return
            }
        }
    }

    private func tag(_ name: String, _ id: String, _ role: TelnyxRole) -> TelnyxTag {
        TelnyxTag(clientState: role.clientState, commandID: name + "-" + Self.mark(id))
    }

    /// What stands for a call in names and ids: no part of its own id, nothing of its numbers.
    static func mark(_ id: String) -> String { String(Digest.sha256(Array(id.utf8)).hex.prefix(24)) }
}
