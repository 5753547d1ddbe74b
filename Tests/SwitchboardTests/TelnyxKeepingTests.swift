// What Telnyx is acknowledged: recordings once they are on the disk, and not before.

import Archive
import Foundation
import Net
import Recording
import Testing

@testable import Simulator
@testable import Switchboard

@Suite(.serialized) struct TelnyxKeepingTests {
    /// The catalog can not be written: the webhook is asked for again, and what comes again is taken.
    @Test(arguments: ["call.recording.saved", "call.recording.error"])
    func whatIsNotOnTheDiskIsAskedForAgain(kind: String) async throws {
        let desk = try TelnyxDesk {
            $0.recordings = ["mp3": (try? TelnyxRecordingTests.mp3(milliseconds: 3_000)) ?? []]
        }
        defer { desk.close() }
        let fields =
            kind == "call.recording.saved"
            ? TelnyxRecordingTests.recorded(desk) : #""reason":"Unsupported backend""#
        let locked = try LockedCatalog(folder: desk.folder)
        #expect(try await desk.offer(kind, "1", fields, times: 1) == 503)
        // It comes again while the first one still waits for the disk: it is not known yet.
        #expect(try await desk.offer(kind, "1", fields, times: 1) == 503)
        // The writer gives up.
        #expect(try await desk.wait { desk.logged.has("webhook_not_kept") ? true : nil } == true)
        try locked.release()
        #expect(
            try await desk.wait {
                try desk.archive.catalog.carrierEvents(ofCarrierCall: "v3:call").isEmpty ? true : nil
            } == true)
        #expect(try await desk.offer(kind, "1", fields, times: 500) == 200)
        #expect(try desk.archive.catalog.carrierEvents(ofCarrierCall: "v3:call").map(\.kind) == [kind])
        if kind == "call.recording.saved" {
            #expect(try await desk.row("rec-1")?.recording.state == .sealed)
        }
        if kind == "call.recording.error" {
            #expect(try await desk.row("event:1")?.recording.state == .failed)
        }
    }

    /// Nobody who rings waits for the disk.
    @Test func aCallIsAcknowledgedAtOnce() async throws {
        let desk = try TelnyxDesk()
        defer { desk.close() }
        let locked = try LockedCatalog(folder: desk.folder)
        #expect(
            try await desk.offer("call.hangup", "1", #""hangup_cause":"normal_clearing""#, times: 1) == 200)
        try locked.release()
    }

    /// The same signed event after a restart is known: nothing is commanded again, and no second pass is issued.
    @Test func whatAnEarlierServerTookIsKnown() async throws {
        let desk = try TelnyxDesk()
        defer { desk.close() }
        let fields = #""direction":"incoming","from":"+14155550100","to":"+18005551212""#
        #expect(try await desk.offer("call.initiated", "77", fields) == 200)
        await desk.settle()
        let commands = desk.telnyx.desk.requests.count
        #expect(commands > 0)
        // It was answered with words, there being no public address: it has no place any more.
        #expect(desk.switchboard.passes.awaitedCalls.isEmpty)
        await desk.settle()
        try desk.restart()
        #expect(try await desk.offer("call.initiated", "77", fields) == 200)
        await desk.settle()
        #expect(desk.telnyx.desk.requests.count == commands)
        #expect(try await desk.offer("call.initiated", "78", call: "v3:other", fields) == 200)
        await desk.settle()
        #expect(desk.telnyx.desk.requests.count > commands)
    }

    /// What was acknowledged is on the disk at that moment: another server on the same storage takes it up.
    @Test func whatIsAcknowledgedOutlivesTheServer() async throws {
        let file = try TelnyxRecordingTests.mp3(milliseconds: 3_000)
        let desk = try TelnyxDesk { $0.recordings = ["mp3": file] }
        defer { desk.close() }
        let saved = TelnyxRecordingTests.recorded(desk)
        for number in 1...20 {
            #expect(try await desk.offer("call.recording.saved", "\(number)", saved) == 200)
            #expect(try desk.archive.catalog.carrierEvents(ofCarrierCall: "v3:call").count == number)
        }
        await desk.settle()
        try desk.restart()
        #expect(try await desk.row("rec-1")?.recording.state == .sealed)
        #expect(try desk.archive.catalog.count() == 1)
    }
}
