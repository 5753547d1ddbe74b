// What ElevenLabs tells of a conversation, brought into the archive.

import Agents
import Archive
import Glibc
import Telemetry

extension ConversationRow {
    /// The row of a document.
    init(_ document: ConversationDocument, source: ConversationSource, eventTimestamp: Int64) {
        self.init(
            conversationID: document.conversationID, agentID: document.agentID, status: document.status,
            source: source, receivedAt: ArchiveTime.now(), eventTimestamp: eventTimestamp)
        verdict = document.verdict.flatMap { ConversationVerdict(rawValue: $0) }
        summary = document.summary
        title = document.title
        cost = document.cost
        durationSeconds = document.durationSeconds
        terminationReason = document.terminationReason
        transcript = document.transcript
        analysis = document.analysis
        self.document = document.document
        hasAudio = document.hasAudio
    }
}

/// Brings conversations into the archive. Each returns when it is on the disk.
final class ConversationKeeping: @unchecked Sendable {
    // `lock` guards `underWay`: two deliveries of one conversation's audio would write the same file.
    private let lock = Lock()
    private var underWay: Set<String> = []
    private let archive: CallArchive
    private let log: Log

    init(archive: CallArchive, log: Log) {
        self.archive = archive
        self.log = log
    }

    /// Keeps a document. A known one changes nothing, an older one adds what is lacking.
    @discardableResult
    func keep(
        _ document: ConversationDocument, source: ConversationSource, eventTimestamp: Int64
    ) async throws(ArchiveError) -> ChangeOutcome {
        let row = ConversationRow(document, source: source, eventTimestamp: eventTimestamp)
        let outcome = try await archive.apply(.conversation(row))
        if document.document == nil {
            // Read, but too long to be kept as it came; what stands in fields of its own is kept.
            log(.warning, "conversation_too_long", ["source": .text(source.rawValue)])
        }
        return outcome
    }

    /// Writes the audio that stands in `body` to a file, piece by piece, and seals it. Throws `badValue` for sound that is
    /// none, `queueFull` while the same conversation's audio is being written.
    @discardableResult
    func keep(_ audio: PostCallAudio, in body: [UInt8]) async throws(ArchiveError) -> ChangeOutcome {
        let id = audio.conversationID
        guard ConversationRow.isIdentifier(id) else { throw .badValue(field: "conversation_id") }
        guard lock.withLock({ underWay.insert(id).inserted }) else { throw .queueFull }
        defer { lock.withLock { _ = underWay.remove(id) } }
        let call = try archive.catalog.call(ofConversation: id)?.call
        var row = ConversationAudio(
            conversationID: id, call: call, agentID: audio.agentID, source: .webhook,
            receivedAt: ArchiveTime.now(), bytes: 0)
        let path = try archive.temporaryConversationAudio(row)
        do throws(ArchiveError) {
            row.bytes = try Self.write(audio, in: body, to: path)
            return try await archive.apply(.conversationAudio(row))
        } catch {
            unlink(path)
            throw error
        }
    }

    /// The length of the file. Readable for the server's user only, like every file of the archive.
    private static func write(
        _ audio: PostCallAudio, in body: [UInt8], to path: String
    ) throws(ArchiveError) -> Int64 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(.open, errno: errno) }
        defer { close(descriptor) }
        var length: Int64 = 0
        var failure: Int32 = 0
        do throws(PostCallError) {
            try audio.decode(from: body) { piece in
                failure = write(piece, to: descriptor)
                length += Int64(piece.count)
                return failure == 0
            }
        } catch {
            throw .badValue(field: "full_audio")
        }
        guard failure == 0 else { throw .file(.write, errno: failure) }
        guard length > 0 else { throw .badValue(field: "full_audio") }
        return length
    }

    /// 0, or what went wrong.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            done += count
        }
        return 0
    }
}
