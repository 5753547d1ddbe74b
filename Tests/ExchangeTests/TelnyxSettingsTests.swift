// What Telnyx is told to want, from its settings.

import Audio
import Exchange
import Testing

@Suite struct TelnyxSettingsTests {
    @Test(
        arguments: [
            ("PCMU", "8000", "auto", .pcmu8k), ("PCMA", "8000", "big", .pcma8k),
            ("G722", "8000", "auto", AudioFormat(.g722, rate: 16_000)),
            ("G722", "16000", "auto", AudioFormat(.g722, rate: 16_000)),
            ("AMR-WB", "8000", "auto", AudioFormat(.amrwb, rate: 16_000)),
            ("AMR-WB", "16000", "auto", AudioFormat(.amrwb, rate: 16_000)),
            ("OPUS", "8000", "auto", AudioFormat(.opus, rate: 8_000)),
            ("OPUS", "16000", "auto", AudioFormat(.opus, rate: 16_000)),
            ("L16", "8000", "auto", AudioFormat(.pcm16, rate: 8_000)),
            ("L16", "16000", "little", AudioFormat(.pcm16, rate: 16_000)),
            ("L16", "16000", "big", AudioFormat(.pcm16be, rate: 16_000)),
        ] as [(String, String, String, AudioFormat)])
    func formats(_ codec: String, _ rate: String, _ order: String, _ format: AudioFormat) throws {
        let settings = try Settings(values: [
            "telnyx.codec": codec, "telnyx.sampling_rate": rate, "telnyx.l16_byte_order": order,
        ])
        #expect(settings.telnyxOutbound == format)
        #expect(settings.telnyxLinear == ["auto": .pcm16auto, "little": .pcm16, "big": .pcm16be][order])
    }

    @Test(
        arguments: [
            ("PCMU", "16000", "auto"), ("PCMA", "16000", "auto"), ("OPUS", "24000", "auto"),
            ("opus", "8000", "auto"), ("G729", "8000", "auto"), ("L16", "8000", "middle"),
        ])
    func refusals(_ codec: String, _ rate: String, _ order: String) {
        #expect(throws: SettingsError.self) {
            try Settings(values: [
                "telnyx.codec": codec, "telnyx.sampling_rate": rate, "telnyx.l16_byte_order": order,
            ])
        }
    }
}
