// The settings of Telnyx's streams: read, and held against what Telnyx and this server can do together.

import Audio
import Cryptography
import Foundation
import Routing
import Signalling
import Switchboard

extension TelnyxStreamSettings {
    /// The settings in `values`; what is wrong is added to `problems`.
    init(_ values: SettingValues, problems: inout [String]) {
        self.init()
        track = TelnyxStreaming.Track(rawValue: values.text("telnyx.track")) ?? track
        codec = TelnyxStreaming.Codec(rawValue: values.text("telnyx.stream_codec"))
        bidirectionalCodec =
            TelnyxStreaming.Codec(rawValue: values.text("telnyx.codec")) ?? bidirectionalCodec
        rate = values.count("telnyx.sampling_rate")
        targetLegs = TelnyxStreaming.Legs(rawValue: values.text("telnyx.target_legs")) ?? targetLegs
        silenceWhenIdle = values.flag("telnyx.silence_when_idle")
        let token = values.text("telnyx.stream_auth_token")
        authToken = token.isEmpty ? nil : Secret(token)
        for pair in values.list("telnyx.custom_parameters") {
            guard let equals = pair.firstIndex(of: "=") else {
                problems.append("TELNYX_CUSTOM_PARAMETERS must be a list of name=value, comma separated")
                continue
            }
            parameters.append(
                StreamWishes.Parameter(
                    name: pair[..<equals].trimmingCharacters(in: .whitespaces),
                    value: pair[pair.index(after: equals)...].trimmingCharacters(in: .whitespaces)))
        }
        establishesBeforeOriginating = values.flag("telnyx.establish_before_originate")
        enablesDialogflow = values.flag("telnyx.dialogflow")
        let configuration = values.text("telnyx.dialogflow_config")
        dialogflowSettings = configuration.isEmpty ? nil : configuration
        let order = values.text("telnyx.l16_byte_order")
        linear = order == "little" ? .pcm16 : order == "big" ? .pcm16be : .pcm16auto
        problems += faults.map { "\(Self.variable($0.subject)) \($0.reason)" }
        let others = beyondAnswer.map(Self.variable)
        if silenceWhenIdle, !others.isEmpty {
            problems.append(
                "TELNYX_SEND_SILENCE_WHEN_IDLE must be false with \(others.joined(separator: ", ")): those make the streams of incoming calls begin by streaming_start, which does not take it"
            )
        }
    }

    /// The variable that says `subject`.
    private static func variable(_ subject: TelnyxStreamFault.Subject) -> String {
        switch subject {
        case .track: "TELNYX_STREAM_TRACK"
        case .codec: "TELNYX_STREAM_CODEC"
        case .bidirectionalCodec: "TELNYX_STREAM_BIDIRECTIONAL_CODEC"
        case .rate: "TELNYX_STREAM_BIDIRECTIONAL_SAMPLING_RATE"
        case .targetLegs: "TELNYX_STREAM_BIDIRECTIONAL_TARGET_LEGS"
        case .authToken: "TELNYX_STREAM_AUTH_TOKEN"
        case .parameters: "TELNYX_CUSTOM_PARAMETERS"
        case .dialogflow: "TELNYX_ENABLE_DIALOGFLOW"
        case .dialogflowSettings: "TELNYX_DIALOGFLOW_CONFIG"
        }
    }
}
