// Carriers' recordings and ElevenLabs' conversations: adopted, linked, sealed, and with a disk that fails at each step.

import Glibc
import Testing

@testable import Archive

@Suite struct AdoptionTests {
    static let adoptedID = CallID.adopted(
        carrier: "telnyx", recordingID: "rec-1", startedAt: TemporaryStorage.start)

    static func request(_ format: RecordingFormat = .wav, bytes: Int64 = 5000) -> AdoptRequest {
        AdoptRequest(
            call: CallRow(
                id: adoptedID, carrier: "telnyx", carrierCallID: "v3:a", caller: "+15550100",
                startedAt: TemporaryStorage.start, parameters: #"{"x":"y"}"#),
            bytes: bytes, samples: 40000, rate: 8000, channels: .dual,
            provenance: RecordingProvenance(
                carrier: "telnyx", recordingID: "rec-1", host: "s3.example.com",
                downloadedAt: TemporaryStorage.start + 1, format: format, statedMilliseconds: 5000))
    }

    static func put(_ request: AdoptRequest, _ bytes: [UInt8], _ archive: CallArchive) throws {
        try write(
            bytes,
            to: archive.temporaryRecording(
                request.call.id, startedAt: request.call.startedAt, format: request.provenance.format))
    }

    @Test(arguments: RecordingFormat.allCases)
    func aCarriersRecordingBecomesOurs(format: RecordingFormat) throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let bridged = CallRow(
            id: id(7), carrier: "telnyx", carrierCallID: "v3:a", startedAt: TemporaryStorage.start)
        try archive.sealed(bridged)
        let request = Self.request(format)
        try Self.put(request, someBytes(seed: 3), archive)
        #expect(try archive.applyAndWait(.adopt(request)) == ChangeOutcome(added: 1))
        let stored = try #require(try archive.catalog.call(Self.adoptedID))
        #expect(stored.recording.state == .sealed)
        #expect(stored.recording.origin == .carrier)
        #expect(stored.recording.provenance == request.provenance)
        #expect(stored.recording.format == format)
        #expect(
            stored.recording.path
                == "recordings/2026/11/21/\(Self.adoptedID).\(format == .wav ? "wav" : "mp3")"
        )
        #expect(stored.recording.sha256 == Digest.sha256(someBytes(seed: 3)))
        #expect(stored.recording.bitrate == nil)
        #expect(stored.call.parameters == #"{"x":"y","bridged_call":"\#(bridged.id)"}"#)
        #expect(try archive.catalog.adopted(carrier: "telnyx", recordingID: "rec-1") == stored)
        #expect(try archive.catalog.adopted(carrier: "twilio", recordingID: "rec-1") == nil)
        var filter = CallFilter()
        filter.origin = .carrier
        #expect(try archive.catalog.list(filter).items.map(\.call.id) == [Self.adoptedID])
        filter.origin = .bridge
        #expect(try archive.catalog.list(filter).items.map(\.call.id) == [bridged.id])
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        // Downloaded once more: the file goes, nothing happens; another file is refused.
        let entries = try archive.catalog.ledgerHead().entries
        try Self.put(request, someBytes(seed: 3), archive)
        #expect(try archive.applyAndWait(.adopt(request)) == ChangeOutcome(unchanged: 1))
        #expect(try storage.allFiles().count == 2)
        try Self.put(request, someBytes(seed: 4), archive)
        #expect(throws: ArchiveError.differentSeal) { try archive.applyAndWait(.adopt(request)) }
        #expect(try archive.catalog.ledgerHead().entries == entries)
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    /// What could not be fetched has a row, once; what was said in it may be known all the same.
    @Test func aRecordingThatCouldNotBeFetched() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let request = Self.request()
        let failed = ArchiveChange.failAdoption(
            request.call, request.provenance, cause: "download_expired")
        #expect(try archive.applyAndWait(failed) == ChangeOutcome(added: 1))
        #expect(try archive.applyAndWait(failed) == ChangeOutcome(unchanged: 1))
        let row = try #require(try archive.catalog.adopted(carrier: "telnyx", recordingID: "rec-1"))
        #expect(row.recording.state == .failed && row.recording.cause == "download_expired")
        #expect(row.recording.origin == .carrier && !row.recording.hasAudio)
        #expect(row.recording.provenance == request.provenance && row.call.id == Self.adoptedID)
        let turn = TurnRow(role: .caller, text: "Hello.", startSamples: 0)
        #expect(
            try archive.applyAndWait(.attachTranscript(id: row.call.id, turns: [turn]))
                == ChangeOutcome(added: 1))
        #expect(throws: ArchiveError.badValue(field: "cause")) {
            try archive.applyAndWait(.failAdoption(request.call, request.provenance, cause: ""))
        }
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    /// A row of a failure bars nothing: the recording takes its place, under its identifier, and what was said stays.
    @Test func aFailureGivesWayToTheRecording() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        let request = Self.request()
        var failed = request.call
        // The event of a failure told other times, so that its row has another identifier.
        failed.startedAt -= 7_000_000
        failed.id = CallID.adopted(carrier: "telnyx", recordingID: "rec-1", startedAt: failed.startedAt)
        failed.caller = "+14155550100"
        (failed.endWho, failed.endWhy) = (.carrier, "recording_failed")
        try archive.applyAndWait(.failAdoption(failed, request.provenance, cause: "carrier_failed"))
        let turn = TurnRow(role: .caller, text: "Hello.", startSamples: 0)
        try archive.applyAndWait(.attachTranscript(id: failed.id, turns: [turn]))
        try Self.put(request, someBytes(seed: 3), archive)
        #expect(try archive.applyAndWait(.adopt(request)) == ChangeOutcome(replaced: 1))
        let row = try #require(try archive.catalog.adopted(carrier: "telnyx", recordingID: "rec-1"))
        #expect(row.recording.state == .sealed && row.recording.bytes == request.bytes)
        #expect(row.recording.cause == nil && row.call.id == failed.id)
        #expect(row.call.startedAt == request.call.startedAt && row.call.endWhy == request.call.endWhy)
        #expect(row.call.caller == request.call.caller ?? "+14155550100")
        #expect(try archive.catalog.turns(failed.id).map(\.text) == ["Hello."])
        #expect(try archive.catalog.count() == 1)
        // From here on it is any other sealed recording: later failures change nothing.
        #expect(
            try archive.applyAndWait(.failAdoption(failed, request.provenance, cause: "carrier_failed"))
                == ChangeOutcome(unchanged: 1))
        try Self.put(request, someBytes(seed: 3), archive)
        #expect(try archive.applyAndWait(.adopt(request)) == ChangeOutcome(unchanged: 1))
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    @Test func bounds() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        #expect(throws: ArchiveError.noFile) { try archive.applyAndWait(.adopt(Self.request())) }
        var request = Self.request()
        request.provenance.host = "s3.example.com/path?X-Amz-Signature=1"
        #expect(throws: ArchiveError.badValue(field: "host")) { try archive.applyAndWait(.adopt(request)) }
        request = Self.request()
        request.provenance.carrier = "twilio"
        #expect(throws: ArchiveError.badValue(field: "recording_id")) {
            try archive.applyAndWait(.adopt(request))
        }
        try archive.applyAndWait(.open(call(1)))
        #expect(throws: ArchiveError.badValue(field: "origin")) {
            try archive.applyAndWait(.seal(id: id(1), SealRequest(file: nil, origin: .carrier)))
        }
        try archive.applyAndWait(.seal(id: id(1), SealRequest(file: nil, origin: .voicemail)))
        #expect(try archive.catalog.call(id(1))?.recording.origin == .voicemail)
    }

    @Test func aTranscriptIsAttachedOnce() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try Self.put(Self.request(), someBytes(), archive)
        try archive.applyAndWait(.adopt(Self.request()))
        let turns = [TurnRow(role: .caller, text: "Hello", startSamples: 0)]
        let change = ArchiveChange.attachTranscript(id: Self.adoptedID, turns: turns)
        #expect(try archive.applyAndWait(change) == ChangeOutcome(added: 1))
        #expect(try archive.applyAndWait(change) == ChangeOutcome(unchanged: 1))
        #expect(throws: ArchiveError.differentTranscript) {
            try archive.applyAndWait(.attachTranscript(id: Self.adoptedID, turns: turns + turns))
        }
        #expect(try archive.catalog.turns(Self.adoptedID) == turns)
        try archive.sealed(call(2))
        #expect(throws: ArchiveError.wrongOrigin) {
            try archive.applyAndWait(.attachTranscript(id: id(2), turns: turns))
        }
        let entry = try #require(try archive.catalog.ledger().first { $0.kind == "recording.transcribed" })
        #expect(entry.detail.hasPrefix(#"{"turns":1,"rows_sha256":""#))
    }

    /// Eight steps on the disk, as in every sealing (`SealingTests`).
    @Test(arguments: 1...9, [false, true])
    func aServerThatDiesWhileAdoptingLosesNothing(step: Int, afterwards: Bool) throws {
        let storage = try TemporaryStorage()
        let bytes = someBytes()
        var archive = try storage.open()
        try Self.put(Self.request(), bytes, archive)
        archive.close()

        archive = try storage.open(files: FailingFiles(at: step, dead: true, afterwards: afterwards))
        if step <= 8 {
            #expect(throws: ArchiveError.self) { try archive.applyAndWait(.adopt(Self.request())) }
            #expect(try archive.catalog.call(Self.adoptedID) == nil)
        } else {
            try archive.applyAndWait(.adopt(Self.request()))
        }
        archive.close()

        archive = try storage.open()
        defer { archive.close() }
        let final = try storage.layout.recording(
            Self.adoptedID, startedAt: TemporaryStorage.start, format: .wav)
        let renamed = step > 6 || (step == 6 && afterwards)
        let expected: [ReconcileFinding] =
            step > 8
            ? []
            : renamed ? [.unknownFile(path: final)] : [.leftover(path: final + ".part", superseded: false)]
        #expect(try archive.repair(archive.reconcile(checkHashes: true)).findings == expected)
        // Half of the attempts find the file where the dead server left it, the others download it again.
        if step == 4 || afterwards { try Self.put(Self.request(), bytes, archive) }
        try archive.applyAndWait(.adopt(Self.request()))
        #expect(try archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try archive.catalog.verifyLedger().isEmpty)
        #expect(try archive.catalog.ledger().map(\.kind) == ["recording.adopted"])
        #expect(try storage.allFiles() == [final])
    }

    static func conversation(_ timestamp: Int64?, title: String = "A") -> ConversationRow {
        var row = ConversationRow(
            conversationID: "conv_1", agentID: "agent", status: "done", source: .webhook, receivedAt: 9,
            eventTimestamp: timestamp)
        row.title = title
        row.verdict = .success
        row.transcript = #"[{"role":"user","message":"Hi"}]"#
        row.analysis = "{}"
        row.document = #"{"agent_id":"agent"}"#
        row.cost = 296
        row.durationSeconds = 22
        return row
    }

    @Test func onlyANewerDeliveryReplaces() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        #expect(try archive.applyAndWait(.conversation(Self.conversation(100))) == ChangeOutcome(added: 1))
        for (timestamp, changes) in [(100, false), (99, false), (101, true), (101, false)] {
            let row = Self.conversation(Int64(timestamp), title: "B\(timestamp)")
            #expect(try archive.applyAndWait(.conversation(row)).isChange == changes)
        }
        #expect(try archive.catalog.conversation("conv_1") == Self.conversation(101, title: "B101"))
        #expect(
            try archive.catalog.ledger().map(\.kind) == ["conversation.received", "conversation.received"])
        #expect(try archive.catalog.ledger().allSatisfy { !$0.detail.contains("Hi") })
        for (field, change) in [
            ("transcript", { $0.transcript = "{}" }), ("analysis", { $0.analysis = "[]" }),
            ("document", { $0.document = "{" }), ("conversation_id", { $0.conversationID = "../x" }),
            ("duration_seconds", { $0.durationSeconds = -1 }),
        ] as [(String, (inout ConversationRow) -> Void)] {
            var row = Self.conversation(200)
            change(&row)
            #expect(throws: ArchiveError.badValue(field: field)) {
                try archive.applyAndWait(.conversation(row))
            }
        }
    }

    /// In whichever order deliveries come, what only one of them tells is kept.
    @Test func noDeliveryTakesAnalysisAway() throws {
        for isOlderFirst in [true, false] {
            let storage = try TemporaryStorage()
            let archive = try storage.open()
            defer { archive.close() }
            var older = Self.conversation(100, title: "older")
            older.summary = "What it was about"
            older.analysis = #"{"call_successful":"success"}"#
            var newer = Self.conversation(200, title: "newer")
            newer.analysis = nil
            newer.cost = nil
            newer.verdict = nil
            newer.terminationReason = "Client disconnected"
            for row in isOlderFirst ? [older, newer] : [newer, older] {
                #expect(try archive.applyAndWait(.conversation(row)).isChange)
            }
            for row in [older, newer] { #expect(try !archive.applyAndWait(.conversation(row)).isChange) }
            var expected = newer
            (expected.analysis, expected.cost) = (older.analysis, older.cost)
            (expected.verdict, expected.summary) = (older.verdict, older.summary)
            #expect(try archive.catalog.conversation("conv_1") == expected)
            #expect(try archive.catalog.verifyLedger().isEmpty)
        }
    }

    @Test func aConversationFindsItsCallWhicheverComesFirst() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try archive.applyAndWait(.conversation(Self.conversation(100)))
        #expect(try archive.catalog.conversation("conv_1")?.callID == nil)
        try archive.applyAndWait(.open(call(1)))
        try archive.applyAndWait(
            .annotate(id: id(1), streamID: nil, agentID: nil, conversationID: "conv_1"))
        #expect(try archive.catalog.conversation(ofCall: id(1))?.conversationID == "conv_1")
        var ending = ending()
        ending.conversationID = "conv_2"
        try archive.applyAndWait(.open(call(2)))
        try archive.applyAndWait(.rendering(id: id(2), ending: ending))
        var second = Self.conversation(100)
        second.conversationID = "conv_2"
        try archive.applyAndWait(.conversation(second))
        #expect(try archive.catalog.conversation(ofCall: id(2))?.conversationID == "conv_2")
        #expect(try archive.catalog.ledger().map(\.kind).contains("conversation.linked"))
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }

    @Test func audioOfConversationsIsSealed() throws {
        let storage = try TemporaryStorage()
        let archive = try storage.open()
        defer { archive.close() }
        try archive.sealed(call(1))
        func seal(_ conversation: String, _ row: CallRow?, seed: UInt8 = 1) throws -> ChangeOutcome {
            let audio = ConversationAudio(
                conversationID: conversation, call: row, source: .webhook,
                receivedAt: TemporaryStorage.start, bytes: 5000)
            try write(someBytes(seed: seed), to: archive.temporaryConversationAudio(audio))
            return try archive.applyAndWait(.conversationAudio(audio))
        }
        #expect(try seal("conv_1", call(1)) == ChangeOutcome(added: 1))
        #expect(try seal("conv_1", call(1)) == ChangeOutcome(unchanged: 1))
        #expect(throws: ArchiveError.differentSeal) { try seal("conv_1", call(1), seed: 2) }
        // Another conversation of the same call does not take the first one's name; one without a call has its own.
        #expect(try seal("conv_2", call(1), seed: 3) == ChangeOutcome(added: 1))
        #expect(try seal("conv_3", nil) == ChangeOutcome(added: 1))
        let folder = "recordings/2026/11/21/"
        let paths = try ["conv_1", "conv_2", "conv_3"].map { try archive.catalog.conversation($0)?.audioPath }
        #expect(
            paths == [
                folder + id(1) + ".elevenlabs.mp3", folder + "conversation-conv_2.elevenlabs.mp3",
                folder + "conversation-conv_3.elevenlabs.mp3",
            ])
        let left = folder + "conversation-conv_1.elevenlabs.mp3.part"
        #expect(
            try archive.reconcile(checkHashes: true).findings == [.leftover(path: left, superseded: false)])
        // The document comes after the audio and does not lose it.
        try archive.applyAndWait(.conversation(Self.conversation(100)))
        #expect(try archive.catalog.conversation("conv_1")?.audioBytes == 5000)
        #expect(try archive.catalog.conversation("conv_1")?.title == "A")
        let place = storage.layout.absolute(try #require(paths[2]))
        #expect(chmod(place, 0o600) == 0)
        #expect(unlink(storage.layout.absolute(try #require(paths[1]))) == 0)
        let report = try archive.reconcile()
        #expect(report.findings.contains(.conversationAudio(conversationID: "conv_2", .missing)))
        #expect(report.findings.contains(.conversationAudio(conversationID: "conv_3", .unprotected)))
        #expect(
            try archive.repair(report).findings.allSatisfy {
                $0 != .conversationAudio(conversationID: "conv_3", .unprotected)
            })
        #expect(throws: ArchiveError.badValue(field: "conversation_id")) { try seal("../x", nil) }
        #expect(try archive.catalog.verifyLedger().isEmpty)
    }
}
