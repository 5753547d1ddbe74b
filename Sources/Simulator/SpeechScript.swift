// What a simulated text-to-speech service is to do, what it was asked, and how its texts sound.

import Agents
import Audio
import Wire

/// What a simulated text-to-speech service does to one request instead of speaking it.
public enum SimulatedSpeechFault: Sendable, Hashable {
    /// It refuses with `status` and the error called `name`; `retryAfter` is a header field, in seconds.
    case refuse(status: Int, name: String, retryAfter: Int? = nil)
    /// It refuses as if the request did not fit the schema (422, a list of errors).
    case invalid
    /// It cuts the connection after so many bytes of sound; a WebSocket it closes with 1011.
    case cut(afterBytes: Int)
    /// It speaks otherwise than the next time (the text backwards), and cuts the connection after so many bytes.
    case otherwise(cutAfterBytes: Int)
    /// It ends after so many bytes of sound as if that were all, but does not say so; over HTTP the same as `cut`.
    case unfinished(afterBytes: Int)
    /// It ends well after so many bytes of sound, as if that were all.
    case short(bytes: Int)
    /// It does not open the WebSocket, but answers with this status; over HTTP a refusal without a name.
    case unopened(status: Int)
    /// It speaks, but only after so many milliseconds.
    case late(milliseconds: Int)
    /// It answers 200 without a byte.
    case empty
    /// It answers 200 with a page of text.
    case page
}

/// How a simulated text-to-speech service behaves.
public struct SimulatedSpeechSettings: Sendable {
    /// The key that `xi-api-key` must bear; nil lets everybody in.
    public var apiKey: String?
    /// Length of the sound for each character of the text; ten minutes at most in all.
    public var millisecondsPerCharacter = 60
    /// Delay before the first piece of sound.
    public var firstMilliseconds = 0
    /// Bytes of one piece.
    public var pieceBytes = 1600
    /// Delay before every further piece.
    public var pieceMilliseconds = 0
    /// Ids of voices that there are not.
    public var missingVoices: Set<String> = []
    /// What befalls the first requests that bear the key, one each; those after them are spoken.
    public var faults: [SimulatedSpeechFault] = []

    /// A service that speaks everything, at once, to everybody.
    public init() {}
}

/// A request that a simulated text-to-speech service got.
public struct SimulatedSpeechRequest: Sendable, Hashable {
    /// Whether it came over a WebSocket.
    public var isSocket = false
    /// The voice in the path.
    public var voiceID: String
    /// The `output_format`.
    public var format: String
    /// The model in the body or the address; empty when there is none.
    public var modelID = ""
    /// The text in the body, or of all the messages, without the space that ends it there; empty when there is none.
    public var text = ""
    /// The `seed` of the body or the address.
    public var seed: String?
    /// The whole body; of a WebSocket the first message.
    public var body: [UInt8]
}

/// The sound of a text in a simulated voice: one tone, whose pitch tells the text.
public enum SimulatedSpeechSound {
    /// The pitch of `text` in hertz: a multiple of 50 in 300…1850, from its bytes (FNV-1a).
    public static func hertz(of text: String) -> Double {
        var hash: UInt32 = 0x811C_9DC5
        for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return Double(300 + 50 * (hash % 32))
    }

    /// The length of `text` in milliseconds.
    public static func milliseconds(of text: String, perCharacter: Int = 60) -> Int {
        let (length, overflow) = text.unicodeScalars.count.multipliedReportingOverflow(
            by: max(perCharacter, 0))
        return overflow ? 600_000 : min(length, 600_000)
    }

    /// The bytes of `text` in `format` as `fault` has it.
    static func bytes(
        of text: String, format: AudioFormat, settings: SimulatedSpeechSettings, fault: SimulatedSpeechFault?
    ) -> [UInt8] {
        var said = text
        if case .otherwise = fault { said = String(text.reversed()) }
        return bytes(of: said, format: format, millisecondsPerCharacter: settings.millisecondsPerCharacter)
    }

    /// The bytes of `text` in `format`.
    public static func bytes(of text: String, format: AudioFormat, millisecondsPerCharacter: Int = 60)
        -> [UInt8]
    {
        let samples = SyntheticSound.tone(hertz: hertz(of: text), level: 12_000)
            .rendered(
                milliseconds: milliseconds(of: text, perCharacter: millisecondsPerCharacter),
                rate: format.rate)
        return SoundCoding.encoded(samples, codec: format.codec)
    }
}
