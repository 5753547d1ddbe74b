// Text to speech as values: the request's bytes and address, formats, limits, and what refusals mean.

import Agents
import Audio
import Foundation
import Testing

private let hello = SpeechRequest(text: "Hello there.", voice: SpeechVoice(), format: .pcmu8k)

@Test func aRequestsBodyIsTheVectorByteForByte() throws {
    var expected = Array(try vector("tts_rest_request"))
    while expected.last == 0x0A { expected.removeLast() }
    #expect(hello.body == expected)
}

@Test func whatIsOptionalComesWhenItIsSet() throws {
    var request = hello
    request.text = "\"Zwölf\"\n\\ 🎙\u{1}"
    request.voice.languageCode = "de"
    request.voice.seed = .max
    request.voice.normalization = .off
    request.voice.settings = SpeechSettings(
        stability: 1.7, similarity: -1, style: .nan, usesSpeakerBoost: false, speed: 0.1)
    let json = try object(request.body)
    #expect(json["text"] as? String == request.text)
    #expect(json["language_code"] as? String == "de")
    #expect(json["seed"] as? Int == 4_294_967_295)
    #expect(json["apply_text_normalization"] as? String == "off")
    #expect(
        json["voice_settings"] as? NSDictionary == [
            "stability": 1.0, "similarity_boost": 0.0, "style": 0.0, "use_speaker_boost": false, "speed": 0.7,
        ])
    // The field is not for this model.
    request.voice.modelID = "eleven_multilingual_v2"
    #expect(try object(request.body)["language_code"] == nil)
}

@Test(arguments: [
    (0.0, "0.7"), (0.7, "0.7"), (0.84999, "0.85"), (1.2, "1.2"), (.infinity, "1.2"), (-.infinity, "0.7"),
])
func paceIsClampedAndWrittenInThousandths(_ pace: Double, _ written: String) {
    var request = hello
    request.voice.settings = SpeechSettings(style: 1e-9, speed: pace)
    let body = String(decoding: request.body, as: UTF8.self)
    #expect(body.contains("\"style\":0.0,"))
    #expect(body.hasSuffix("\"speed\":\(written)}}"))
}

@Test func theAddressNamesVoiceAndFormat() {
    var request = hello
    let path = "/v1/text-to-speech/21m00Tcm4TlvDq8ikWAM/stream?output_format="
    #expect(request.url(base: "https://api.elevenlabs.io/") == "https://api.elevenlabs.io\(path)ulaw_8000")
    request.format = .pcma8k
    #expect(request.url(base: "http://127.0.0.1:9") == "http://127.0.0.1:9\(path)alaw_8000")
    request.voice.voiceID = "../a?b"
    #expect(
        request.url(base: "http://h")
            == "http://h/v1/text-to-speech/..%2Fa%3Fb/stream?output_format=alaw_8000")
    for (voice, base) in [
        ("..", "http://h"), ("", "http://h"), ("a b", "http://h"), ("a", "ftp://h"), ("a", "http://u@h"),
    ] {
        request.voice.voiceID = voice
        #expect(request.url(base: base) == nil)
    }
}

@Test func formatsHaveTheServicesNames() {
    // Section 3.1 of the service's reference: pcm and telephony.
    let names = [
        "ulaw_8000", "alaw_8000", "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_32000", "pcm_44100",
        "pcm_48000",
    ]
    for name in names {
        let format = SpeechFormat.format(name)
        #expect(format?.rate == Int(name.split(separator: "_")[1]))
        #expect(format.flatMap(SpeechFormat.name) == name)
    }
    for name in ["mp3_44100_128", "opus_48000_32", "wav_8000", "pcm_11025", "ulaw_16000", ""] {
        #expect(SpeechFormat.format(name) == nil)
    }
    #expect(SpeechFormat.name(of: AudioFormat(.pcmu, rate: 16000)) == nil)
}

@Test(arguments: [
    ("eleven_v3", 3_000), ("eleven_multilingual_v2", 10_000), ("eleven_flash_v2", 30_000),
    ("eleven_turbo_v2", 30_000),
    ("eleven_flash_v2_5", 40_000), ("eleven_turbo_v2_5", 40_000), ("eleven_v4", 40_000),
])
func aTextIsAsLongAsItsModelTakes(_ model: String, _ limit: Int) {
    var request = hello
    request.voice.modelID = model
    request.text = String(repeating: "ö", count: limit)
    #expect(request.characterCount == limit)
    #expect(request.defect == nil)
    request.text += "."
    #expect(request.defect == SpeechFailure(.tooLong))
}

@Test func whatCannotBeAskedIsToldBefore() {
    for change: (inout SpeechRequest) -> Void in [
        { $0.text = " \n\t" }, { $0.text = "" }, { $0.format = AudioFormat(.pcm16, rate: 11025) },
        { $0.voice.voiceID = "" }, { $0.voice.modelID = "" }, { $0.voice.voiceID = "." },
    ] {
        var request = hello
        change(&request)
        #expect(request.defect == SpeechFailure(.validation))
    }
}

@Test(arguments: [
    ("rest_error_401", 401, SpeechFailure.Kind.badKey, false), ("rest_error_422", 422, .validation, false),
    ("rest_error_429", 429, .tooManyConcurrent, true), ("rest_error_429_legacy", 429, .busy, true),
])
func refusalsAreUnderstood(_ name: String, _ status: Int, _ kind: SpeechFailure.Kind, _ mayRetry: Bool) throws
{
    let failure = SpeechFailure(status: status, body: Array(try vector(name)))
    #expect(failure == SpeechFailure(kind, status: status))
    #expect(failure.mayRetry == mayRetry)
}

@Test(arguments: [
    // Section 3.6: the status' name decides, whatever HTTP says; 401 is quota too.
    (401, "quota_exceeded", SpeechFailure.Kind.quota), (400, "voice_not_found", .voiceNotFound),
    (404, "voice_not_found", .voiceNotFound), (400, "max_character_limit_exceeded", .tooLong),
    (401, "detected_unusual_activity", .unusualActivity), (403, "only_for_creator+", .forbidden),
    (402, "anything", .quota), (401, "anything", .badKey), (429, "anything", .busy),
    (404, "anything", .validation),
    (500, "anything", .unavailable), (503, "system_busy", .busy), (302, "anything", .unavailable),
])
func theNameDecidesBeforeTheStatus(_ status: Int, _ name: String, _ kind: SpeechFailure.Kind) {
    let bodies = [
        "{\"detail\":{\"status\":\"\(name)\",\"message\":\"secret words\"}}",
        "{\"detail\":{\"type\":\"t\",\"code\":\"\(name)\",\"message\":\"secret words\"}}",
        "{\"detail\":{\"type\":\"t\",\"code\":\"\(name)\",\"message\":\"\",\"status\":\"new\"}}",
    ]
    for body in bodies {
        let failure = SpeechFailure(status: status, body: Array(body.utf8), retryAfter: "7")
        #expect(failure == SpeechFailure(kind, status: status, retryAfterMilliseconds: 7000))
        #expect(!"\(failure)".contains("secret"))
    }
}

@Test(arguments: [
    "", "<html>", "{}", "{\"detail\":\"text\"}", "{\"detail\":{\"status\":1}}", "{\"detail\":{", "[1]",
])
func aBodyOfNoKnownShapeLeavesTheStatus(_ body: String) {
    #expect(SpeechFailure(status: 503, body: Array(body.utf8)) == SpeechFailure(.unavailable, status: 503))
}

@Test(arguments: [
    ("0", 0), ("3600", 3_600_000), ("3601", nil), ("-1", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
])
func theWaitAskedForIsSecondsAnHourAtMost(_ field: String, _ milliseconds: Int64?) {
    let failure = SpeechFailure(status: 429, body: [], retryAfter: field)
    #expect(failure.retryAfterMilliseconds == milliseconds)
}
