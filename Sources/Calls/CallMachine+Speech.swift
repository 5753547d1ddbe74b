// Calls without an agent: texts that are spoken, and the answering machine.

import Audio
import Carriers
import Routing
import Tape
import Telemetry

extension CallMachine {
    /// The format text to speech is asked for: what the carrier wants where the service has it, else linear samples.
    static func speechFormat(for outbound: AudioFormat) -> AudioFormat {
        outbound == .pcmu8k || outbound == .pcma8k ? outbound : AudioFormat(.pcm16, rate: outbound.rate)
    }

    /// The call begins to speak by itself.
    mutating func beginSpeaking(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard let start else { return }
        var announcer = Announcer()
        for text in plan.texts where plan.mode == .speech { _ = announcer.enqueue(text) }
        let linear = AudioFormat(.pcm16, rate: start.inbound.rate)
        do throws(AudioError) {
            try playout?.open(Self.speechFormat(for: start.outbound))
            if plan.mode == .voicemail { try uplink?.open(linear, at: now) }
        } catch {
            finish(CallEnd(.server, .unsupportedFormat), sawEnd: false, at: now, &actions)
            return
        }
        if plan.mode == .voicemail {
            let plan = self.plan.voicemail ?? VoicemailPlan()
            voicemail = Voicemail(plan, rate: linear.rate)
            _ = announcer.enqueue(plan.greeting)
        }
        self.announcer = announcer
        announce(at: now, &actions)
    }

    /// Whether further texts can be spoken: it speaks, and is not over.
    public var isSpeaking: Bool { phase == .live && plan.mode == .speech && announcer != nil }

    /// A further text is to be spoken; false when this call does not speak or too many wait.
    public mutating func say(
        _ text: String, at now: MonotonicTime, _ actions: inout some CallActions
    ) -> Bool {
        guard phase == .live, plan.mode == .speech, announcer?.enqueue(text) == true else { return false }
        announce(at: now, &actions)
        return true
    }

    /// Sound of the text `number`, in the format that was asked for.
    public mutating func speechSound(
        _ bytes: UnsafeRawBufferPointer, number: Int64, at now: MonotonicTime,
        _ actions: inout some CallActions
    ) {
        guard phase == .live, announcer?.current == number, !bytes.isEmpty else { return }
        playout?.receive(
            bytes, turn: number, at: now, backlog: rules.backlogMilliseconds, tape: &tape,
            counters: &counters)
        pump(at: now, &actions)
    }

    /// The text `number` is synthesised to its end, or could not be.
    public mutating func speechEnded(
        number: Int64, failed: Bool, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard phase == .live, announcer?.ended(number, failed: failed) == true else { return }
        if failed { note("speech_failed", at: now) }
        announce(at: now, &actions)
    }

    /// Asks for the next text, or goes on when all are spoken and played.
    mutating func announce(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard var announcer, phase == .live, let start else { return }
        if let next = announcer.next() {
            self.announcer = announcer
            tape.append(.agentText, at: now, turn: next.number, text: next.text)
            actions.speak(next.text, format: Self.speechFormat(for: start.outbound), number: next.number)
            return
        }
        guard announcer.isIdle else { return }
        if voicemail != nil {
            attend(at: now, &actions)
        } else if !plan.staysAfterSpeech {
            let isLost = announcer.spoken == 0 && announcer.failures > 0
            let end = isLost ? CallEnd(.agent, .speechFailed) : CallEnd(.server, .speechEnded)
            lifecycle.drain(then: end, at: now)
        }
    }

    /// One step of the answering machine; a step is over when the caller has heard all of it.
    private mutating func attend(at now: MonotonicTime, _ actions: inout some CallActions) {
        guard var voicemail, let start else { return }
        if let end = voicemail.due {
            finish(end, sawEnd: false, at: now, &actions)
            return
        }
        guard voicemail.step != .message, playout?.isDrained(at: now) != false else { return }
        if voicemail.greetingIsOver() {
            let format = Self.speechFormat(for: start.outbound)
            let count = format.rate * Voicemail.beepMilliseconds / 1000
            let tone = Tones.sine(1000, rate: format.rate, count: count, amplitude: 0.25)
            let beep = SampleEncoder.encode(tone, as: format.codec)
            beep.withUnsafeBytes {
                playout?.receive(
                    $0, turn: 0, at: now, backlog: rules.backlogMilliseconds, tape: &tape,
                    counters: &counters)
            }
            note("voicemail_beep", at: now)
            pump(at: now, &actions)
        } else {
            voicemail.beepIsOver()
        }
        if voicemail.step == .message { note("voicemail_message", at: now) }
        self.voicemail = voicemail
    }
}
