// Text to speech over WebSockets as values: addresses, both sides' messages against the vectors, damage, and what ends mean.

import Agents
import Audio
import Damage
import Foundation
import Testing

/// Decodes a service's message given as bytes.
private func event(_ codec: inout SpeechCodec, _ bytes: some Sequence<UInt8>) throws -> SpeechEvent {
    try Array(bytes).withUnsafeBytes { try codec.decode($0) }
}

private func message(_ bytes: some Sequence<UInt8>) -> SpeechMessage? {
    Array(bytes).withUnsafeBytes { SpeechPeer.decode($0) }
}

/// `json` with the defaults of section 3.2 where `voice_settings` leaves them out.
private func withDefaults(_ json: NSDictionary) -> NSDictionary {
    guard let settings = json["voice_settings"] as? [String: Any] else { return json }
    let whole: [String: Any] = [
        "stability": 0.5, "similarity_boost": 0.75, "style": 0, "use_speaker_boost": true, "speed": 1,
    ]
    guard let filled = json.mutableCopy() as? NSMutableDictionary else { return json }
    filled["voice_settings"] = whole.merging(settings) { $1 }
    return filled
}

@Suite struct SpeechSocketTests {
    /// Every client's vector and the message it is.
    static let messages: [String: SpeechMessage] = [
        "tts_ws_c2s_init": .open(
            SpeechSettings(), chunkLengths: [120, 160, 250, 290], key: "sk_example"),
        "tts_ws_c2s_text": .text("Hello World ", triggers: true),
        "tts_ws_c2s_flush": .text("last words ", flushes: true),
        "tts_ws_c2s_keepalive": .keepAlive(),
        "tts_ws_c2s_close": .end,
        "tts_multi_c2s_init": .open(SpeechSettings(), context: "ctx-1"),
        "tts_multi_c2s_text": .text("Hello from context one.", context: "ctx-1"),
        "tts_multi_c2s_flush": .flush(context: "ctx-1"),
        "tts_multi_c2s_keepalive": .keepAlive(context: "ctx-1"),
        "tts_multi_c2s_close_context": .close(context: "ctx-1"),
        "tts_multi_c2s_close_socket": .closeSocket,
    ]

    /// Half a second of what the vectors' 160 bytes are: 0xFF, silence in μ-law.
    private static let sound = [UInt8](repeating: 0xFF, count: 160)
    private static let times = AudioAlignment(
        characters: ["H", "i", " "], startMilliseconds: [0, 93, 186], durationMilliseconds: [93, 93, 20])

    @Test func everyClientsVectorIsHere() throws {
        let names = try vectors("tts_ws_c2s") + vectors("tts_multi_c2s")
        #expect(names.sorted() == Self.messages.keys.sorted())
    }

    @Test(arguments: messages.keys.sorted()) func aClientsMessageIsItsVector(_ name: String) throws {
        let expected = try #require(Self.messages[name])
        let bytes = try vector(name)
        #expect(try object(written { expected.encode(into: &$0) }) == withDefaults(object(bytes)))
        #expect(message(bytes) == expected)
        #expect(message(written { expected.encode(into: &$0) }) == expected)
    }

    @Test func whatTheServiceSaysIsReadAndWritten() throws {
        var codec = SpeechCodec()
        let ws = try vector("tts_ws_s2c_audio")
        #expect(
            try event(&codec, ws)
                == .sound(context: nil, alignment: Self.times, normalized: Self.times, isFinal: false))
        let sound = codec.payload
        #expect(sound == Self.sound)
        #expect(
            try object(
                written { output in
                    sound.withUnsafeBytes {
                        SpeechPeer.encodeSound(
                            $0, alignment: Self.times, normalized: Self.times, into: &output)
                    }
                }) == object(ws))

        let many = try vector("tts_multi_s2c_audio")
        #expect(
            try event(&codec, many)
                == .sound(context: "ctx-1", alignment: nil, normalized: nil, isFinal: false))
        #expect(codec.payload == Self.sound)
        #expect(
            try object(
                written { output in
                    sound.withUnsafeBytes { SpeechPeer.encodeSound($0, context: "ctx-1", into: &output) }
                }) == object(many))

        for (name, context) in [("tts_ws_s2c_final", nil), ("tts_multi_s2c_final", "ctx-1")] {
            #expect(try event(&codec, vector(name)) == .final(context: context))
            #expect(codec.payload.isEmpty)
            let bytes = written { SpeechPeer.encodeFinal(context: context, into: &$0) }
            #expect(try object(bytes) == object(vector(name)))
        }
        for (name, error) in [
            ("tts_ws_s2c_error", "input_timeout_exceeded"),
            ("tts_multi_s2c_error_contexts", "max_active_conversations"),
        ] {
            #expect(
                try event(&codec, vector(name)) == .failed(SpeechSocketError(name: error, code: 1008)))
            let text = try #require(try object(vector(name))["message"] as? String)
            let bytes = written { SpeechPeer.encodeError(error, message: text, code: 1008, into: &$0) }
            #expect(try object(bytes) == object(vector(name)))
        }
        #expect(
            try (vectors("tts_ws_s2c") + vectors("tts_multi_s2c")).count == 6,
            "a vector of the service that nobody reads")
    }

    @Test func otherSpellingsAreUnderstood() throws {
        var codec = SpeechCodec()
        #expect(
            try event(&codec, #"{"context_id":"c","is_final":true}"#.utf8) == .final(context: "c"))
        let old =
            #"{"audio":"\/w==","isFinal":true,"alignment":{"chars":["H"],"charStartTimesMs":[0],"charsDurationsMs":[9]}}"#
        let times = AudioAlignment(characters: ["H"], startMilliseconds: [0], durationMilliseconds: [9])
        #expect(
            try event(&codec, old.utf8)
                == .sound(context: nil, alignment: times, normalized: nil, isFinal: true))
        #expect(codec.payload == [0xFF])
        #expect(
            try event(&codec, #"{"error":"a b\n","code":1011,"contextId":"c"}"#.utf8)
                == .failed(SpeechSocketError(name: "a_b_n", code: 1011, context: "c")))
        #expect(try event(&codec, #"{"audio":null,"isFinal":null}"#.utf8) == .other)
        for bad in [
            #"{"audio":"?"}"#, #"{"audio":1}"#, "[]", "", #"{"audio":null"#, #"{"contextId":1}"#,
            "{\"contextId\":\"\(String(repeating: "c", count: 257))\"}",
        ] {
            #expect(throws: AgentMessageError.self) { try event(&codec, bad.utf8) }
            #expect(codec.payload.isEmpty)
        }
    }

    @Test func theServiceRefusesWhatItDoesNotKnow() {
        for bad in [
            #"{"text":1}"#, #"{"test":" "}"#, #"{"flush":"yes"}"#, "[]", #"{"text":" "}x"#,
            #"{"text":" ","voice_settings":{"speed":1.3}}"#,
            #"{"text":" ","voice_settings":{"use_speaker_boost":1}}"#,
            #"{"text":" ","generation_config":{"chunk_length_schedule":[49]}}"#,
            #"{"text":" ","generation_config":{"chunk_length_schedule":[501]}}"#,
        ] { #expect(message(bad.utf8) == nil) }
        #expect(message(#"{"text":" ","xi-api-key":"k"}"#.utf8)?.key == "k")
    }

    @Test func noTextOrKeyIsInADescription() {
        let opened = SpeechMessage.open(nil, key: "sk_secret")
        var dumped = ""
        dump(opened, to: &dumped)
        dump(SpeechMessage.text("secret words"), to: &dumped)
        dumped += "\(opened)" + String(reflecting: opened)
        #expect(!dumped.contains("secret"))
    }

    @Test func addressesNameWhatIsAsked() {
        var address = SpeechSocketAddress(.single, voice: SpeechVoice(), format: .pcmu8k)
        let path = "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM"
        let model = "model_id=eleven_flash_v2_5"
        #expect(
            address.url(base: "https://api.elevenlabs.io/")
                == "wss://api.elevenlabs.io\(path)/stream-input?\(model)&output_format=ulaw_8000")
        address.kind = .multiple
        address.format = AudioFormat(.pcm16, rate: 16000)
        (address.comesInSentences, address.isAligned, address.inactivitySeconds) = (true, true, 500)
        address.voice.languageCode = "de"
        address.voice.seed = 7
        address.voice.normalization = .off
        // 180 s is the most.
        #expect(
            address.url(base: "http://127.0.0.1:9")
                == "ws://127.0.0.1:9\(path)/multi-stream-input?\(model)&output_format=pcm_16000&language_code=de"
                + "&auto_mode=true&sync_alignment=true&inactivity_timeout=180&seed=7&apply_text_normalization=off"
        )
        address.voice.modelID = "eleven_multilingual_v2"
        #expect(address.url(base: "http://h")?.contains("language_code") == false)
        // Section 3.1 and 3.3: what the sockets lack.
        for (model, format, isServed) in [
            ("eleven_flash_v2_5", AudioFormat(.pcm16, rate: 24000), true), ("eleven_v3", .pcmu8k, false),
            ("eleven_flash_v2_5", AudioFormat(.pcm16, rate: 32000), false),
            ("eleven_flash_v2_5", AudioFormat(.pcm16, rate: 48000), false),
            ("eleven_flash_v2_5", AudioFormat(.pcm16, rate: 44100), true),
        ] {
            let address = SpeechSocketAddress(.single, voice: SpeechVoice(modelID: model), format: format)
            #expect(address.isServed == isServed)
            #expect((address.url(base: "http://h") != nil) == isServed)
        }
        for (voice, base) in [("..", "http://h"), ("a", "ftp://h"), ("a b", "http://h")] {
            #expect(
                SpeechSocketAddress(.single, voice: SpeechVoice(voiceID: voice), format: .pcmu8k)
                    .url(base: base) == nil)
        }
    }

    @Test(
        arguments: [
            ("input_timeout_exceeded", 1008, SpeechFailure.Kind.timedOut, true),
            ("max_active_conversations", 1008, .tooManyConcurrent, true),
            ("detected_unusual_activity", 1008, .unusualActivity, false),
            ("quota_exceeded", 1008, .quota, false), ("invalid_api_key", 1008, .badKey, false),
            ("voice_not_found", 1008, .voiceNotFound, false), ("new", 1008, .validation, false),
            (nil, 1011, .unavailable, true), ("new", nil, .unavailable, true),
        ] as [(String?, Int?, SpeechFailure.Kind, Bool)])
    func complaintsHaveTheirKinds(
        _ name: String?, _ code: Int?, _ kind: SpeechFailure.Kind, _ mayRetry: Bool
    ) {
        let failure = SpeechFailure(socket: SpeechSocketError(name: name, code: code))
        #expect(failure == SpeechFailure(kind))
        #expect(failure.mayRetry == mayRetry)
    }

    @Test func theVectorOfTimesIsReadAndWhatIsIllFormedIsNot() throws {
        let bytes = Array(try vector("tts_rest_with_timestamps_response"))
        let speech = try bytes.withUnsafeBytes { try TimedSpeech($0) }
        // 0 to 0.093 s and 0.093 to 0.186 s.
        let times = AudioAlignment(
            characters: ["H", "i"], startMilliseconds: [0, 93], durationMilliseconds: [93, 93])
        #expect(speech == TimedSpeech(sound: Self.sound, alignment: times, normalized: times))
        func alignment(_ starts: String, _ ends: String) throws -> AudioAlignment? {
            let text =
                #"{"audio_base64":"","alignment":{"characters":["H"],"character_start_times_seconds":[\#(starts)],"#
                + #""character_end_times_seconds":[\#(ends)]}}"#
            return try Array(text.utf8).withUnsafeBytes { try TimedSpeech($0).alignment }
        }
        #expect(try alignment("1", "1.5")?.durationMilliseconds == [500])
        for (starts, ends) in [("1", "0.5"), ("1e300", "1e301"), ("-1", "1"), ("1", ""), ("\"1\"", "2")] {
            #expect(try alignment(starts, ends) == nil)
        }
        for bad in ["{}", "[]", #"{"audio_base64":"?"}"#, #"{"audio_base64":null}"#] {
            #expect(throws: AgentMessageError.self) {
                try Array(bad.utf8).withUnsafeBytes { try TimedSpeech($0) }
            }
        }
    }

    @Test func damagedMessagesNeitherTrapNorConfuseTheNext() throws {
        var random = SplitMix64(seed: 0x5EEC)
        let names = try vectors("tts_")
        let messages = try names.map { Array(try vector($0)) }
        let right = try vector("tts_ws_s2c_audio")
        var codec = SpeechCodec()
        var understood = 0
        for round in 0..<10_000 {
            let damaged = mutated(messages[round % messages.count], using: &random)
            damaged.withUnsafeBytes { raw in
                do throws(AgentMessageError) {
                    if try codec.decode(raw) != .other { understood += 1 }
                } catch { #expect(codec.payload.isEmpty) }
                _ = SpeechPeer.decode(raw)
                do throws(AgentMessageError) {
                    let speech = try TimedSpeech(raw)
                    #expect(speech.alignment.map { $0.durationMilliseconds.allSatisfy { $0 >= 0 } } ?? true)
                } catch { understood += 0 }
            }
            #expect(
                try event(&codec, right)
                    == .sound(context: nil, alignment: Self.times, normalized: Self.times, isFinal: false))
            #expect(codec.payload == Self.sound)
        }
        // The damage is not so heavy that only the scanner is tried.
        #expect(understood > 500)
    }
}
