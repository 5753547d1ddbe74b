// Callbacks of Twilio and Exotel: acknowledged when they are on the disk; and what of them a log and a row may hold.

import Archive
import Foundation
import Net
import Testing

@testable import Switchboard

@Suite(.serialized) struct CallbackKeepingTests {
    /// Each callback with its answer.
    private static let callbacks: [(path: String, form: String, status: Int)] = [
        ("/twilio/stream-status", "CallSid=CA1&StreamSid=MZ1&StreamEvent=stream-started", 204),
        ("/twilio/call-status", "CallSid=CA1&CallStatus=ringing&SequenceNumber=1", 204),
        ("/twilio/recording-status", "CallSid=CA1&RecordingSid=RE1&RecordingStatus=completed", 204),
        ("/exotel/passthru", "CallSid=CA1&Stream%5BStreamSID%5D=s1&Stream%5BStatus%5D=completed", 200),
        ("/exotel/status", "CallSid=CA1&EventType=answered&Status=in-progress", 200),
    ]

    private func post(_ house: ElevenLabsBoard, _ path: String, _ form: String) async throws -> Int {
        try await house.client.send(
            HTTPClientRequest(
                method: "POST", url: house.url + path,
                headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(form.utf8))
        ).status
    }

    @Test func whatIsNotOnTheDiskIsNotAcknowledged() async throws {
        let house = try ElevenLabsBoard { $0.authIsOff = true }
        let locked = try LockedCatalog(folder: house.folder)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for callback in Self.callbacks {
                group.addTask { try await post(house, callback.path, callback.form) }
            }
            for try await status in group { #expect(status == 503) }
        }
        try locked.release()
        for (number, callback) in Self.callbacks.enumerated() {
            #expect(try await post(house, callback.path, callback.form) == callback.status)
            #expect(
                try house.archive.catalog.carrierEvents(ofCarrierCall: "CA1").count > number,
                "\(callback.path)")
        }
        #expect(try house.archive.catalog.carrierEvents(ofCarrierCall: "CA1").count == 5)
        await house.close()
    }

    /// The sender of a webhook chooses its words; none that we do not know comes into the log.
    @Test(arguments: [
        ("call.completed", "call.completed"), ("recording.absent", "recording.absent"),
        ("call.incoming", "call.incoming"), ("stream-started", "stream-started"),
        ("call.recording.saved", "call.recording.saved"), ("post_call_audio", "post_call_audio"),
        ("_15550177_hello", "other"), ("call._15550177", "other"), ("recording.+15550177", "other"),
        ("stream.15550177", "other"), ("", "other"),
    ])
    func logsHoldKnownKinds(kind: String, logged: String) {
        #expect(SwitchboardParts.logged(kind) == logged)
    }

    @Test func anUnknownTypeIsNotLogged() async throws {
        let house = try ElevenLabsBoard { $0.authIsOff = true }
        let body = Array(#"{"type":"_15550177_hello","event_timestamp":5,"data":{}}"#.utf8)
        #expect(try await house.post("/elevenlabs/webhook", body).status == 200)
        #expect(house.logged.has("elevenlabs_webhook_unknown"))
        #expect(!house.logged.all.contains { $0.contains("15550177") })
        await house.close()
    }

    @Test(arguments: [
        ("wss://h/audio?token=abc-_1&x=2", "wss://h/audio?token=&x=2"),
        (#"{"u":"wss:\/\/h?a=1\u0026token=abc\u0026b=2"}"#, #"{"u":"wss:\/\/h?a=1\u0026token=\u0026b=2"}"#),
        ("u=wss%3A%2F%2Fh%3Ftoken%3Dabc-_1%26x%3D2", "u=wss%3A%2F%2Fh%3Ftoken%3D%26x%3D2"),
        ("u=h%253Fkey%253Dabc%2526x%253D2", "u=h%253Fkey%253D%2526x%253D2"),
        (#"{"stream_auth_token": "a\"b", "x":"token"}"#, #"{"stream_auth_token": "", "x":"token"}"#),
    ])
    func tokensAreNotKept(text: String, kept: String) {
        #expect(SwitchboardParts.withoutTokens(text) == kept)
    }
}
