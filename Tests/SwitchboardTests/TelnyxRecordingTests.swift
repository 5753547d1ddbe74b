// Telnyx's recordings on their way into the archive: late, dead, broken, twice, and over a restart.

import Archive
import Foundation
import Net
import Recording
import Testing

@testable import Simulator
@testable import Switchboard

@Suite(.serialized) struct TelnyxRecordingTests {
    static func mp3(milliseconds: Int) throws -> [UInt8] {
        var encoder = try MP3Encoder(MP3Settings(rate: 8000, channels: .mixed, kilobits: 24))
        var output: [UInt8] = []
        let sound = [Int16](repeating: 100, count: milliseconds * 8)
        try sound.withUnsafeBufferPointer { try encoder.encode(left: $0, right: $0, into: &output) }
        try encoder.finish(into: &output)
        return output
    }

    /// A recording at the simulated Telnyx, and what its webhook would say: 3 s long.
    static func recorded(_ desk: TelnyxDesk, _ id: String = "rec-1", url: String? = nil) -> String {
        let began = WallTime(microseconds: 1_795_255_362_000_000)
        let ended = WallTime(microseconds: began.microseconds + 3_000_000)
        var recording = TelnyxRecording(
            id: id, callID: "v3:call", legID: "l", sessionID: "s", from: "+14155550100", to: "+18005551212",
            channels: "single", format: "mp3", began: began)
        recording.ended = ended
        recording.isSaved = true
        let saved = recording
        desk.telnyx.books.change { $0.recordings.append(saved) }
        let link = url ?? desk.telnyx.links(to: saved)["mp3"]?.text ?? ""
        return
            #""recording_id":"\#(id)","recording_started_at":"\#(began.iso8601)","recording_ended_at":"\#(ended.iso8601)","from":"+14155550100","recording_urls":{"mp3":"\#(link)"}"#
    }

    private static let said =
        #""recording_id":"rec-1","status":"completed","transcription_text":"Call me back.""#

    private static func downloads(_ desk: TelnyxDesk) -> Int {
        desk.telnyx.desk.requests.count { $0.path.hasPrefix("/files/") }
    }

    /// What was said comes before the recording, and both twice under other ids: one row, one transcript.
    @Test func theTranscriptionComesFirst() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        #expect(try await desk.offer("call.recording.transcription.saved", "1", Self.said) == 200)
        let saved = Self.recorded(desk)
        for number in 2...4 {
            #expect(try await desk.offer("call.recording.saved", "\(number)", saved) == 200)
        }
        #expect(try await desk.offer("call.recording.transcription.saved", "5", Self.said) == 200)
        let row = try #require(try await desk.row("rec-1"))
        #expect(row.recording.state == .sealed && row.recording.bytes == Int64(file.count))
        #expect(row.recording.sha256 == Digest.sha256(file))
        #expect(row.recording.provenance?.statedMilliseconds == 3_000)
        let turns = try await desk.wait { () -> [TurnRow]? in
            let turns = try desk.archive.catalog.turns(row.call.id)
            return turns.isEmpty ? nil : turns
        }
        #expect(turns?.map(\.text) == ["Call me back."] && turns?.first?.role == .caller)
        _ = desk.switchboard.drain(milliseconds: 5_000)
        #expect(try desk.archive.catalog.count() == 1 && desk.telnyx.desk.faults.isEmpty)
        #expect(try desk.archive.catalog.verifyLedger().isEmpty)
    }

    /// What was said is longer than the row of a webhook may be: it is asked for when the recording is there.
    @Test func aLongTranscription() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let text = String(repeating: "Call me back. ", count: 5_000)
        let desk = try TelnyxDesk {
            $0.recordings = ["mp3": file]
            $0.transcription = text
        }
        defer { desk.close() }
        let said = Self.said.replacing("Call me back.", with: text)
        #expect(try await desk.offer("call.recording.transcription.saved", "1", said) == 200)
        _ = desk.switchboard.drain(milliseconds: 5_000)
        #expect(try await desk.offer("call.recording.saved", "2", Self.recorded(desk)) == 200)
        let row = try #require(try await desk.row("rec-1"))
        let turns = try await desk.wait { () -> [TurnRow]? in
            let turns = try desk.archive.catalog.turns(row.call.id)
            return turns.isEmpty ? nil : turns
        }
        #expect(turns?.map(\.text) == [text])
    }

    /// The place of a long transcription is free again once it is read: one source may send many, one after the other.
    @Test func longTranscriptionsFollowEachOther() async throws {
        let desk = try TelnyxDesk()
        defer { desk.close() }
        let head = HTTPRequest(
            method: "POST", path: "/telnyx/webhook",
            headers: [("Content-Type", "application/json"), ("Content-Length", "200000")],
            remoteAddress: "127.0.0.1")
        for number in 1...5 {
            #expect(desk.switchboard.bodyLimit(for: head) == 1 << 20, "\(number)")
            #expect(try await desk.offer("call.recording.transcription.saved", "\(number)", Self.said) == 200)
        }
    }

    /// The address is dead: a fresh one is asked for, with the key, which the storage is not shown.
    @Test func aDeadAddressIsRenewed() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        let saved = Self.recorded(desk)
        desk.telnyx.expireLinks()
        #expect(try await desk.offer("call.recording.saved", "1", saved) == 200)
        #expect(try await desk.row("rec-1")?.recording.state == .sealed)
        #expect(Self.downloads(desk) == 2 && desk.telnyx.desk.faults.isEmpty)
    }

    /// What is no recording, is cut, or has another length, is no recording of ours: a row says why.
    @Test(arguments: [
        ("not_audio", 0), ("not_whole", 3_000), ("other_length", 6_000),
    ])
    func aBrokenFileIsARowThatSaysSo(cause: String, milliseconds: Int) async throws {
        var file =
            milliseconds == 0 ? Array("<html>Not here</html>".utf8) : try Self.mp3(milliseconds: milliseconds)
        if cause == "not_whole" { file.removeLast(20) }
        let bytes = file
        let desk = try TelnyxDesk { $0.recordings = ["mp3": bytes] }
        defer { desk.close() }
        #expect(try await desk.offer("call.recording.transcription.saved", "1", Self.said) == 200)
        #expect(try await desk.offer("call.recording.saved", "2", Self.recorded(desk)) == 200)
        let row = try #require(try await desk.row("rec-1"))
        #expect(row.recording.state == .failed && row.recording.cause == "download_" + cause)
        #expect(row.recording.origin == .carrier && row.recording.path == nil)
        #expect(row.call.caller == "+14155550100")
        // Three attempts by two pauses. What was said is kept all the same, and no file is left.
        #expect(Self.downloads(desk) == 3)
        let turns = try await desk.wait { () -> Int? in
            let count = try desk.archive.catalog.turns(row.call.id).count
            return count > 0 ? count : nil
        }
        #expect(turns == 1)
        #expect(try desk.archive.reconcile(checkHashes: true).findings.isEmpty)
    }

    /// Only https, and this machine: a webhook leads nowhere else.
    @Test(arguments: [
        "http://example.com/a.mp3", "file:///etc/passwd", "ftp://example.com/a", "", "https://",
    ])
    func addressesThatAreNotTaken(url: String) {
        #expect(CarrierRecordings.host(url) == nil)
    }

    @Test func addressesThatAreTaken() {
        #expect(CarrierRecordings.host("https://s3.example.com/a.mp3?X-Amz-Signature=1#") == "s3.example.com")
        #expect(CarrierRecordings.host("http://127.0.0.1:8080/a.mp3") == "127.0.0.1:8080")
        #expect(CarrierRecordings.host("http://127.0.0.1.example.com:80/a.mp3") == nil)
    }

    /// The server died between the webhook and the download: the next one fetches it, with a fresh address.
    @Test func aRestartTakesUpWhatWasNotFetched() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        let saved = Self.recorded(desk)
        desk.telnyx.expireLinks()
        try desk.archive.applyAndWait(
            .carrierEvent(
                CarrierEventRow(
                    carrier: "telnyx", key: "1", carrierCallID: "v3:call", kind: "call.recording.saved",
                    receivedAt: ArchiveTime.now(),
                    detail:
                        #"{"data":{"event_type":"call.recording.saved","id":"1","payload":{"call_control_id":"v3:call",\#(saved)}}}"#
                )))
        #expect(Self.downloads(desk) == 0)
        try desk.restart()
        let row = try #require(try await desk.row("rec-1"))
        #expect(row.recording.state == .sealed && row.recording.sha256 == Digest.sha256(file))
        // Once more: what is there is left alone.
        let before = Self.downloads(desk)
        try desk.restart()
        _ = desk.switchboard.drain(milliseconds: 5_000)
        #expect(Self.downloads(desk) == before)
        #expect(try desk.archive.catalog.count() == 1)
    }

    /// A payload by the typed model has no recording_id: the call's recordings are asked for.
    @Test func aRecordingWithoutAName() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        let saved = Self.recorded(desk).replacing(#""recording_id":"rec-1","#, with: "")
        #expect(try await desk.offer("call.recording.saved", "1", saved) == 200)
        #expect(try await desk.row("rec-1")?.recording.state == .sealed)
    }

    /// A recording that Telnyx could not make is a row: of which call, since when, and why; told twice, and over a restart,
    /// it is one.
    @Test(arguments: [
        ("Failed to authorize with storage using custom credentials", "carrier_storage_unauthorized"),
        ("Invalid credentials json", "carrier_storage_credentials"),
        ("Unsupported backend", "carrier_storage_unsupported"),
        ("Internal server error", "carrier_internal_error"), ("Something +14155550100", "carrier_failed"),
    ])
    func whatTelnyxCouldNotRecordIsARow(reason: String, cause: String) async throws {
        let desk = try TelnyxDesk()
        defer { desk.close() }
        // The vector's payload: neither numbers nor a recording's id.
        #expect(
            try await desk.offer(
                "call.initiated", "0",
                #""direction":"outgoing","from":"+18005551212","to":"+14155550100","start_time":"2026-11-21T09:59:00Z""#
            ) == 200)
        let error = #""reason":"\#(reason)""#
        #expect(try await desk.offer("call.recording.error", "1", error) == 200)
        let row = try #require(try await desk.row("event:1"))
        #expect(row.recording.state == .failed && row.recording.cause == cause)
        #expect(row.recording.origin == .carrier && row.recording.path == nil)
        #expect(row.call.carrierCallID == "v3:call")
        #expect(row.call.caller == "+18005551212" && row.call.called == "+14155550100")
        #expect(row.call.startedAt == ArchiveTime.parse("2026-11-21T09:59:00Z"))
        #expect(row.call.endedAt == ArchiveTime.parse("2026-11-21T10:00:00Z"))
        // A call that is not recorded may go on: its end is not this row's.
        #expect(row.call.endWho == nil)
        #expect(try await desk.offer("call.recording.error", "1", error) == 200)
        try desk.restart()
        _ = desk.switchboard.drain(milliseconds: 5_000)
        #expect(try desk.archive.catalog.count() == 1)
        #expect(try desk.archive.catalog.verifyLedger().isEmpty)
    }

    /// Events are unordered, and an error may be followed by the recording after all: it is had either way, once.
    @Test(arguments: [true, false]) func anErrorBarsNoRecording(errorFirst: Bool) async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        let saved = Self.recorded(desk)
        let error = #""recording_id":"rec-1","reason":"Internal server error""#
        if errorFirst {
            try await desk.offer("call.recording.error", "1", error)
            #expect(try await desk.row("rec-1")?.recording.state == .failed)
        }
        try await desk.offer("call.recording.saved", "2", saved)
        func sealed() throws -> ListedCall? {
            let row = try desk.archive.catalog.adopted(carrier: "telnyx", recordingID: "rec-1")
            return row?.recording.state == .sealed ? row : nil
        }
        #expect(try await desk.wait(sealed)?.recording.sha256 == Digest.sha256(file))
        if !errorFirst { try await desk.offer("call.recording.error", "1", error) }
        try await desk.offer("call.recording.saved", "3", saved)
        _ = try await desk.wait { desk.switchboard.parts.errands.count == 0 ? true : nil }
        #expect(try sealed() != nil && Self.downloads(desk) == 1)
        #expect(try desk.archive.catalog.count() == 1)
        #expect(try desk.archive.reconcile(checkHashes: true).findings.isEmpty)
        #expect(try desk.archive.catalog.verifyLedger().isEmpty)
    }

    /// A download that failed is tried again when Telnyx tells of the recording again.
    @Test func aFailedDownloadIsTriedAgain() async throws {
        let file = try Self.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        for _ in 0..<3 { desk.telnyx.desk.script(ScriptedAnswer(500, path: "/files/")) }
        let saved = Self.recorded(desk)
        try await desk.offer("call.recording.saved", "1", saved)
        #expect(try await desk.row("rec-1")?.recording.cause == "download_unreachable")
        _ = try await desk.wait { desk.switchboard.parts.errands.count == 0 ? true : nil }
        try await desk.offer("call.recording.saved", "2", saved)
        let state = try await desk.wait { () -> RecordingState? in
            let row = try desk.archive.catalog.adopted(carrier: "telnyx", recordingID: "rec-1")
            return row?.recording.state == .sealed ? .sealed : nil
        }
        #expect(state == .sealed && Self.downloads(desk) == 4)
    }

    /// The server died between the webhook and the row.
    @Test func aRestartTakesUpAFailure() async throws {
        let desk = try TelnyxDesk()
        defer { desk.close() }
        let role = TelnyxRole.voicemail.clientState
        try desk.archive.applyAndWait(
            .carrierEvent(
                CarrierEventRow(
                    carrier: "telnyx", key: "7", carrierCallID: "v3:call", kind: "call.recording.error",
                    receivedAt: ArchiveTime.now(),
                    detail:
                        #"{"data":{"event_type":"call.recording.error","id":"7","occurred_at":"2026-11-21T10:00:00Z","payload":{"call_control_id":"v3:call","client_state":"\#(role)","reason":"Unsupported backend"}}}"#
                )))
        try desk.restart()
        let row = try #require(try await desk.row("event:7"))
        #expect(row.recording.state == .failed && row.recording.cause == "carrier_storage_unsupported")
        // It was a message for us: that it could not be taken ended the call.
        #expect(row.call.endWho == .carrier && row.call.endWhy == "recording_failed")
    }
}
