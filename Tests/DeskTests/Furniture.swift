// What a desk is furnished with in tests: a control that notes its orders, and a row of every kind.

import Archive
import Foundation
import Net
import Routing

@testable import Desk

/// Notes what it is asked for, and answers as it is told to. One test uses it on one thread at a time.
final class TestControl: CallControl, StreamTokenIssuer, @unchecked Sendable {
    // Only the test that owns the desk touches these, synchronously.
    var orders: [CallOrder] = []
    var passes: [StreamTokenOrder] = []
    var spoken: [String] = []
    var refusal: CallControlRefusal?
    var hangUpOutcome = HangUpOutcome.accepted
    var speakOutcome = SpeakOutcome.accepted

    func place(_ order: CallOrder) -> Result<DialRow, CallControlRefusal> {
        orders.append(order)
        if let refusal { return .failure(refusal) }
        return .success(
            DialRow(
                id: TestDesk.id(77), carrier: order.carrier, called: order.to, caller: order.from,
                requestedAt: TestDesk.start))
    }

    func hangUp(_ id: String) -> HangUpOutcome { hangUpOutcome }

    func speak(_ id: String, _ text: String) -> SpeakOutcome {
        spoken.append(text)
        return speakOutcome
    }

    func issue(_ order: StreamTokenOrder) -> Result<StreamToken, CallControlRefusal> {
        passes.append(order)
        if let refusal { return .failure(refusal) }
        return .success(
            StreamToken(token: "t0ken", expiresAt: TestDesk.start, url: "wss://host.example/media/t0ken"))
    }
}

extension TestDesk {
    /// A body that is taken, for each action that takes one.
    static let goodBodies: [RouteAction: String] = [
        .placeCall: #"{"carrier":"twilio","to":"+15550100"}"#, .issueToken: #"{"carrier":"telnyx"}"#,
        .speak: #"{"text":"Hello"}"#, .storeContext: #"{"fields":{"name":"Ada","vip":true,"n":1.50}}"#,
        .importContexts: #"[{"phone":"+15550101","fields":{"a":"b"}},{"phone":"+15550102","c":7}]"#,
    ]

    /// A context, a conversation with audio of call 1, and as call 9 a carrier's WAV file.
    func furnish() throws {
        try archive.applyAndWait(.storeContext(ContextRow(phone: "+15550100", fields: ["name": "Grace"])))
        var row = ConversationRow(
            conversationID: "conv_1", callID: Self.id(1), agentID: "agent", status: "done", source: .webhook,
            receivedAt: Self.start, eventTimestamp: 1)
        row.document = #"{"agent_id":"agent"}"#
        row.transcript = #"[{"role":"user"}]"#
        row.verdict = .success
        try archive.applyAndWait(.conversation(row))
        let call = try archive.catalog.call(Self.id(1))?.call
        let audio = ConversationAudio(
            conversationID: "conv_1", call: call, source: .webhook, receivedAt: Self.start, bytes: 3)
        try Data([1, 2, 3]).write(
            to: URL(fileURLWithPath: archive.temporaryConversationAudio(audio)))
        try archive.applyAndWait(.conversationAudio(audio))
        let adopted = CallRow(
            id: Self.id(9), carrier: "telnyx", carrierCallID: "v3:a", startedAt: Self.start)
        let path = try archive.temporaryRecording(adopted.id, startedAt: Self.start, format: .wav)
        try Data([4, 5]).write(to: URL(fileURLWithPath: path))
        try archive.applyAndWait(
            .adopt(
                AdoptRequest(
                    call: adopted, bytes: 2, samples: 8, rate: 8000, channels: .dual,
                    provenance: RecordingProvenance(
                        carrier: "telnyx", recordingID: "r1", host: "s3.example.com",
                        downloadedAt: Self.start,
                        format: .wav, statedMilliseconds: 1))))
    }
}
