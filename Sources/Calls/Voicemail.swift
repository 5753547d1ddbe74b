// An answering machine: greeting, beep, message; the message ends by silence, by length, or by a key.

import Audio
import Routing

/// The machine of an answering machine. It hears the caller as 16-bit samples.
struct Voicemail {
    /// Where it stands.
    enum Step: Equatable { case greeting, beep, message }

    private(set) var step = Step.greeting
    private let plan: VoicemailPlan
    private let rate: Int
    /// Samples of the message so far.
    private var heard: Int64 = 0
    /// Samples of silence at its end.
    private var silent: Int64 = 0
    /// Samples and their squares in the window under measurement.
    private var window = 0
    private var energy: Int64 = 0

    /// Below this level a window is silence: -42 dBFS, between the noise of a telephone line (about -55 dBFS) and quiet
    /// speech (about -35 dBFS). As the mean square of samples: (32768 × 10^(-42/20))².
    static let silenceMeanSquare: Int64 = 67_748
    /// The beep: 1 kHz for 400 ms at a quarter of full scale.
    static let beepMilliseconds = 400

    /// A machine that hears samples at `rate`.
    init(_ plan: VoicemailPlan, rate: Int) {
        self.plan = plan
        self.rate = rate
    }

    /// The greeting has been played. Returns whether a beep is to be sent.
    mutating func greetingIsOver() -> Bool {
        guard step == .greeting else { return false }
        step = plan.beeps ? .beep : .message
        return plan.beeps
    }

    /// The beep has been played.
    mutating func beepIsOver() {
        if step == .beep { step = .message }
    }

    /// The caller's sound, as PCM of 16 bits little-endian.
    mutating func hear(_ sound: [UInt8]) {
        guard step == .message else { return }
        sound.withUnsafeBytes { bytes in
            var at = 0
            while at + 1 < bytes.count {
                let sample = Int64(Int16(truncatingIfNeeded: Int(bytes[at]) | Int(bytes[at + 1]) << 8))
                energy += sample * sample
                window += 1
                at += 2
                if window == rate / 50 { closeWindow() }
            }
        }
    }

    /// Why the message is over, when it is.
    var due: CallEnd? {
        guard step == .message else { return nil }
        if heard >= Int64(plan.maximumSeconds) * Int64(rate) { return CallEnd(.server, .messageFull) }
        if plan.silenceSeconds > 0, silent >= Int64(plan.silenceSeconds) * Int64(rate) {
            return CallEnd(.server, .messageSilence)
        }
        return nil
    }

    /// 20 ms are complete: sound or silence?
    private mutating func closeWindow() {
        heard += Int64(window)
        silent = energy / Int64(window) < Self.silenceMeanSquare ? silent + Int64(window) : 0
        (window, energy) = (0, 0)
    }
}
