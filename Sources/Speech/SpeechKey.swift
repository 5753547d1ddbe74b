// What makes two spoken texts the same, as a name that tells neither.

import Agents
import Cryptography

/// The identity of a spoken text: SHA-256 over voice, format and the request's body, which has model, settings,
/// language, seed and the text. Neither text nor voice can be read from it.
public struct SpeechKey: Sendable, Hashable, CustomStringConvertible {
    /// The 32 bytes.
    let digest: [UInt8]

    /// The key of `request`.
    public init(_ request: SpeechRequest) {
        var bytes = Array("teeline speech 1\n".utf8)
        // No line feed can stand in a voice's id or a format's name: the parts cannot run into each other.
        bytes += Array(request.voice.voiceID.utf8) + [0x0A]
        bytes += Array((SpeechFormat.name(of: request.format) ?? "").utf8) + [0x0A]
        digest = SHA256Digest.plain(bytes + request.body)
    }

    /// A seed for the service's synthesis: the first four bytes of the key. The same text by the same voice is then asked for in
    /// the same way, and the service does its best to repeat itself (elevenlabs.md §TTS, `seed`, 0 to 4294967295).
    var seed: UInt32 { digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    /// 64 lower-case hexadecimal digits: the file's name.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
