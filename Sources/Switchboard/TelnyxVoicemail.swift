// The answering machine that Telnyx runs for us: greeting, beep, message.

import Routing
import Signalling
import Telemetry

extension TelnyxDoor {
    /// Speaks the greeting. What follows comes with `call.speak.ended`; without a greeting at once.
    func greet(_ id: String, _ event: TelnyxEvent) async {
        let voicemail = voicemail(of: id, event)
        if !voicemail.greeting.isEmpty {
            do throws(RESTFailure) {
                return try await commands.speak(
                    id, voicemail.greeting, as: .voicemail, voice: voicemail.carrierVoice,
                    language: plan(of: id, event).language)
            } catch {
                if error == .alreadyOver { return }
                // A message without a greeting is better than none.
                parts.log(.warning, "telnyx_greeting_failed", ["cause": .text(error.token)])
            }
        }
        if book.recordsNow(id, at: Self.now) { await record(id, event) }
    }

    /// Begins the recording of the message; `record_start` beeps by itself.
    func record(_ id: String, _ event: TelnyxEvent) async {
        // A greeting that ended because the caller hung up leaves nobody to record.
        if event.kind == .speakEnded, event.status == "call_hangup" { return }
        // Also after a restart, which forgets who has a place.
        holdMessage(id, plan(of: id, event))
        let voicemail = voicemail(of: id, event)
        var recording = TelnyxRecordStart(channels: "single", format: "mp3")
        recording.track = "inbound"
        recording.playsBeep = voicemail.beeps
        recording.maximumSeconds = min(max(voicemail.maximumSeconds, 1), 14_400)
        recording.timeoutSeconds = max(voicemail.silenceSeconds, 0)
        if parts.settings.telnyx.transcribes { recording.transcribes = true }
        do throws(RESTFailure) {
            try await commands.record(id, recording)
        } catch {
            if error != .alreadyOver, error != .notFound { await recordings.notBegun(event, error) }
            await fallBack(id, error)
        }
    }

    /// How the answering machine of call `id` behaves: by its plan, so by the rules for the called number.
    private func voicemail(of id: String, _ event: TelnyxEvent) -> VoicemailPlan {
        plan(of: id, event).voicemail ?? parts.settings.voicemail
    }
}
