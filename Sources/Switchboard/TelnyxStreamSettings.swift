// What Telnyx's streams are asked for: every parameter of carriers.md §3.1.4, each on the commands that take it.

import Audio
import Cryptography
import Routing
import Signalling

/// The parameters of Telnyx's streams. `stream_bidirectional_mode` is always `rtp`: what is sent in Telnyx's standard mode
/// and is no MP3 file is dropped in silence.
public struct TelnyxStreamSettings: Sendable {
    /// `stream_track`.
    public var track = TelnyxStreaming.Track.inbound
    /// `stream_codec`; nil: not asked for, so the call's own.
    public var codec: TelnyxStreaming.Codec?
    /// `stream_bidirectional_codec`.
    public var bidirectionalCodec = TelnyxStreaming.Codec.pcmu
    /// `stream_bidirectional_sampling_rate`, in hertz.
    public var rate = 8000
    /// `stream_bidirectional_target_legs`.
    public var targetLegs = TelnyxStreaming.Legs.own
    /// `send_silence_when_idle`.
    public var silenceWhenIdle = false
    /// `stream_auth_token`; nil: none is sent.
    public var authToken: Secret?
    /// `custom_parameters`.
    public var parameters: [StreamWishes.Parameter] = []
    /// `stream_establish_before_call_originate`.
    public var establishesBeforeOriginating = false
    /// `enable_dialogflow`.
    public var enablesDialogflow = false
    /// `dialogflow_config`, a JSON object; nil: none.
    public var dialogflowSettings: String?
    /// The order of bytes in Telnyx's L16, of which the sources disagree: little, big, or found in what comes.
    public var linear = AudioCodec.pcm16auto

    /// What Telnyx does by itself, but for the mode, and for the legs: an answered call has one leg alone.
    public init() {}

    /// The rate that is asked for; nil for Telnyx's standard, and for codecs that have one rate.
    private var askedRate: Int? {
        [.opus, .l16].contains(bidirectionalCodec) && rate != 8000 ? rate : nil
    }

    /// Why the stream of an incoming call is begun by a command of its own, once it is answered: `answer` does not take
    /// these parameters. Empty when it takes all.
    public var beyondAnswer: [TelnyxStreamFault.Subject] {
        var beyond: [TelnyxStreamFault.Subject] = []
        if askedRate != nil { beyond.append(.rate) }
        if authToken != nil { beyond.append(.authToken) }
        if !parameters.isEmpty { beyond.append(.parameters) }
        if enablesDialogflow { beyond.append(.dialogflow) }
        return beyond
    }

    /// The stream to `url` with what `command` takes of this.
    func streaming(url: String, for command: TelnyxCommand) -> TelnyxStreaming {
        var streaming = TelnyxStreaming(
            url: url, track: track, codec: codec, mode: .rtp, bidirectionalCodec: bidirectionalCodec)
        streaming.targetLegs = targetLegs
        if command != .streamingStart { streaming.sendsSilence = silenceWhenIdle ? true : nil }
        if command == .streamingStart {
            streaming.customParameters = parameters.map { ($0.name, $0.value) }
        }
        if command == .dial { streaming.opensBeforeDialling = establishesBeforeOriginating ? true : nil }
        if command != .answer {
            streaming.bidirectionalRate = askedRate
            streaming.authToken = authToken.map { String(decoding: $0.bytes, as: UTF8.self) }
            streaming.enablesDialogflow = enablesDialogflow ? true : nil
            streaming.dialogflowSettings = dialogflowSettings.map { Array($0.utf8) }
        }
        return streaming
    }

    /// The sound that such a stream takes from us.
    public var outbound: AudioFormat { outbound(bidirectionalCodec, rate) }

    /// The sound of a stream that was asked to take `sound`.
    func outbound(_ sound: StreamSound) -> AudioFormat {
        outbound(TelnyxStreaming.Codec(rawValue: sound.codec) ?? bidirectionalCodec, sound.rate)
    }

    /// G.722 and AMR-WB sound at 16 kHz, whatever their rate is called (RFC 3551 §4.5.2; 3GPP TS 26.171).
    private func outbound(_ codec: TelnyxStreaming.Codec, _ rate: Int) -> AudioFormat {
        switch codec {
        case .pcmu, .call: .pcmu8k
        case .pcma: .pcma8k
        case .g722: .g722
        case .amrWB: .amrwb
        case .opus: AudioFormat(.opus, rate: rate)
        case .l16: AudioFormat(linear == .pcm16be ? .pcm16be : .pcm16, rate: rate)
        }
    }

    // MARK: What cannot be

    /// Most custom parameters, and most bytes of a name and of a value. Ours: Telnyx documents none.
    static let parameterLimits = (count: 32, name: 128, value: 1024)
    /// Names that a start has already, or that this server's own tokens bear.
    static let reservedNames: Set<String> = [
        "token", TwilioDoor.tokenParameter, "client_state", "stream_auth_token",
    ]

    /// Everything that is wrong with this: values, and what is impossible together.
    public var faults: [TelnyxStreamFault] {
        var faults: [TelnyxStreamFault] = []
        func fault(_ subject: TelnyxStreamFault.Subject, _ reason: String) {
            faults.append(TelnyxStreamFault(subject: subject, reason: reason))
        }
        let rates = Self.rates(of: bidirectionalCodec)
        if !rates.contains(rate) {
            let known = rates.map(String.init).joined(separator: " or ")
            fault(.rate, "must be \(known) with \(bidirectionalCodec.rawValue), which has no other rate here")
        }
        // L16 comes at the rate that is asked for our own (carriers.md §3.2.3), and recordings have 8, 16 or 24 kHz.
        if codec == .l16, rate == 22_050 || rate == 48_000 {
            fault(.codec, "cannot be L16 at \(rate) Hz: calls are recorded at 8000, 16000 or 24000 Hz")
        }
        if let authToken, !(1...TelnyxStreaming.authTokenLimit).contains(authToken.bytes.count) {
            fault(.authToken, "must have 1 to \(TelnyxStreaming.authTokenLimit) characters")
        }
        if let reason = parameterFault { fault(.parameters, reason) }
        if let dialogflowSettings {
            if !enablesDialogflow { fault(.dialogflowSettings, "is for streams to Dialogflow only") }
            var probe = TelnyxStreaming(url: "wss://localhost")
            probe.dialogflowSettings = Array(dialogflowSettings.utf8)
            do throws(SignallingError) {
                try probe.validate(for: .dial)
            } catch { fault(.dialogflowSettings, "must be a JSON object") }
        }
        return faults
    }

    private var parameterFault: String? {
        let limits = Self.parameterLimits
        if parameters.count > limits.count { return "must be at most \(limits.count) parameters" }
        if Set(parameters.map(\.name)).count < parameters.count { return "must name each parameter once" }
        let areSound = parameters.allSatisfy {
            (1...limits.name).contains($0.name.utf8.count) && $0.value.utf8.count <= limits.value
                && !Self.reservedNames.contains($0.name)
        }
        return areSound
            ? nil
            : "must have short names that are not \(Self.reservedNames.sorted().joined(separator: ", "))"
    }

    /// The rates that are documented for a codec and that we have (carriers.md §3.2.3).
    private static func rates(of codec: TelnyxStreaming.Codec) -> [Int] {
        switch codec {
        case .pcmu, .pcma, .call: [8000]
        case .g722, .amrWB, .opus: [8000, 16_000]
        case .l16: TelnyxStreaming.samplingRates
        }
    }
}

/// Something of a stream that cannot be.
public struct TelnyxStreamFault: Error, Sendable, Hashable {
    /// What it is of, by its member in an order's `stream`.
    public enum Subject: String, Sendable, Hashable {
        /// `stream_track`.
        case track
        /// `stream_codec`.
        case codec
        /// `stream_bidirectional_codec`.
        case bidirectionalCodec = "bidirectional_codec"
        /// `stream_bidirectional_sampling_rate`.
        case rate = "bidirectional_sampling_rate"
        /// `stream_bidirectional_target_legs`.
        case targetLegs = "bidirectional_target_legs"
        /// `stream_auth_token`.
        case authToken = "auth_token"
        /// `custom_parameters`.
        case parameters = "custom_parameters"
        /// `enable_dialogflow`.
        case dialogflow = "enable_dialogflow"
        /// `dialogflow_config`.
        case dialogflowSettings = "dialogflow_config"
    }
    /// What it is of.
    public var subject: Subject
    /// Why; no value of a secret or parameter is in it.
    public var reason: String
}
