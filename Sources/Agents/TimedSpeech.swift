// A spoken text with the times of its characters: what the HTTP interface answers `with-timestamps`. No I/O.

import Wire

/// The answer of `POST /v1/text-to-speech/{voice_id}/with-timestamps`; the streaming kind gives one for each piece.
public struct TimedSpeech: Sendable, Hashable {
    /// The sound, in the format that was asked for.
    public var sound: [UInt8]
    /// When each character of the text as written is spoken; nil when the answer does not tell it rightly.
    public var alignment: AudioAlignment?
    /// The same of the text as spoken, numbers and the like written out.
    public var normalized: AudioAlignment?

    /// A spoken text made of its parts.
    public init(sound: [UInt8], alignment: AudioAlignment?, normalized: AudioAlignment?) {
        (self.sound, self.alignment, self.normalized) = (sound, alignment, normalized)
    }

    /// Reads an answer. Throws `AgentMessageError`.
    public init(_ answer: UnsafeRawBufferPointer) throws(AgentMessageError) {
        var scanner = JSONScanner(answer)
        guard case .object(let whole) = scanner.value(), scanner.finish() else { throw .notJSON }
        guard let text = whole.member("audio_base64")?.text else { throw .missingField("audio_base64") }
        sound = []
        guard text.decodeBase64(into: &sound) else { throw .notBase64 }
        alignment = whole.member("alignment").flatMap { AudioAlignment(inSeconds: $0) }
        normalized = whole.member("normalized_alignment").flatMap { AudioAlignment(inSeconds: $0) }
    }
}

extension AudioAlignment {
    /// The alignment of an object with starts and ends in seconds, brought to the nearest millisecond; nil when it is
    /// null or ill-formed, or something ends before it begins.
    init?(inSeconds value: JSONValue) {
        guard let object = value.object,
            let characters = Self.elements(of: object.member("characters"), { $0.text?.string(limit: 64) }),
            let starts = Self.elements(
                of: object.member("character_start_times_seconds"), Self.millisecondsOfSeconds),
            let ends = Self.elements(
                of: object.member("character_end_times_seconds"), Self.millisecondsOfSeconds),
            characters.count == starts.count, characters.count == ends.count,
            zip(starts, ends).allSatisfy({ $0 <= $1 })
        else { return nil }
        self.init(
            characters: characters, startMilliseconds: starts,
            durationMilliseconds: zip(starts, ends).map { $1 - $0 })
    }

    private static func millisecondsOfSeconds(_ value: JSONValue) -> Int? {
        // A day at most, as for milliseconds.
        guard let seconds = value.decimal, 0...86_400 ~= seconds else { return nil }
        return Int((seconds * 1000).rounded())
    }
}

extension JSONValue {
    /// The number, when it is a finite one of at most 64 characters.
    var decimal: Double? {
        guard case .number(let number) = self, number.bytes.count <= 64,
            let value = Double(String(decoding: number.bytes, as: UTF8.self)), value.isFinite
        else { return nil }
        return value
    }
}
