// What stands between one answer of the service and its flow: whole samples, and none that were heard before.

import Agents
import Telemetry

/// The way of one answer's sound into its flow: whole samples pass, and nothing after the answer's end. When an earlier answer
/// broke off, as many bytes as the flow has already are left out: the listeners hear the rest.
final class SpeechGate: @unchecked Sendable {
    // `lock` guards all that varies.
    private let flow: SpeechFlow
    private let isResumed: Bool
    private let lock = Lock()
    private var isOpen = true
    private var isText = false
    private var hasSound = false
    private var oddByte: UInt8?
    private var skipped: Int
    private var whole: [UInt8] = []

    /// A gate to `flow`, behind what that has already.
    init(_ flow: SpeechFlow) {
        self.flow = flow
        skipped = flow.soundBytes
        isResumed = skipped > 0
    }

    /// An answer whose type is text is no sound, whatever its status says.
    func head(contentType: String?) {
        let type = contentType?.lowercased() ?? ""
        lock.withLock { isText = type.hasPrefix("text/") || type.hasPrefix("application/json") }
    }

    /// Hands whole samples on.
    func take(_ bytes: [UInt8]) {
        lock.withLock {
            guard isOpen, !isText, !bytes.isEmpty else { return }
            var bytes = oddByte.map { [$0] + bytes } ?? bytes
            oddByte = bytes.count % flow.request.format.bytesPerSample == 0 ? nil : bytes.removeLast()
            guard !bytes.isEmpty else { return }
            hasSound = true
            guard isResumed else { return flow.take(bytes) }
            whole += bytes
            // A flow has whole samples only, so the seam is between two.
            let known = min(skipped, bytes.count)
            skipped -= known
            flow.take(Array(bytes.dropFirst(known)))
        }
    }

    /// Closes for good; false when what came was no sound, or less of it than was heard already: another sound than the one
    /// that broke off, so that the text has no end.
    func close() -> Bool {
        lock.withLock {
            isOpen = false
            return !isText && oddByte == nil && hasSound && skipped == 0
        }
    }

    /// Whether some of the answer was sound.
    var hadSound: Bool { lock.withLock { hasSound } }

    /// All of this answer's sound, where it stands behind another's; nil where the flow has it.
    var ownSound: [UInt8]? { lock.withLock { isResumed ? whole : nil } }
}
