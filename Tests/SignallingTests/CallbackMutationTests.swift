// Damaged webhooks and answers, ten thousand a carrier: an error or a value, never a trap.

import Damage
import Foundation
import Signalling
import Testing

/// What hurts webhooks and answers most.
extension SplitMix64 {
    /// `message` with one to three wounds.
    mutating func wound(_ message: [UInt8]) -> [UInt8] {
        var bytes = message
        for _ in 0..<Int.random(in: 1...3, using: &self) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<8, using: &self) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: bytes.removeSubrange(at...)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &self), at: at)
            case 3:
                let end = min(bytes.count, at + Int.random(in: 1...40, using: &self))
                bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 4: bytes.insert(contentsOf: Array("99999999999999999999999999".utf8), at: at)
            case 5: bytes.insert(contentsOf: [UInt8](repeating: 0x5B, count: 500), at: at)
            case 6: bytes.remove(at: at)
            default:
                bytes.insert(
                    contentsOf: Array("{}[],:\"\\u%ud8=&--\r\n<>".utf8.shuffled(using: &self)), at: at)
            }
        }
        return bytes
    }
}

@Suite struct CallbackMutationTests {
    /// Wounds `seeds` ten thousand times; `read` says whether a value came of it. Both outcomes must happen.
    private static func damage(_ seeds: [[UInt8]], seed: UInt64, _ read: ([UInt8]) -> Bool) {
        var damage = SplitMix64(seed: seed)
        var (good, bad) = (0, 0)
        for round in 0..<10_000 {
            if read(damage.wound(seeds[round % seeds.count])) { good += 1 } else { bad += 1 }
        }
        #expect(good > 100 && bad > 100, "\(good) good, \(bad) bad")
    }

    private static func succeeds<Failure: Error>(_ body: () throws(Failure) -> Void) -> Bool {
        failure(body) == nil
    }

    @Test func twilio() throws {
        let seeds = try CallbackVector.names("twilio_http_").map { name in
            let object = try CallbackVector.object(name)
            let request = object["request"] as? [String: Any] ?? object
            return try CallbackVector.bytes(request["body"] ?? "")
        }
        Self.damage(seeds, seed: 1) { bytes in
            guard let form = FormFields(bytes) else { return false }
            var order = TwilioCallOrder()
            return [
                Self.succeeds { () throws(SignallingError) in _ = try TwilioCall(form) },
                Self.succeeds { () throws(SignallingError) in _ = order.take(try TwilioCallProgress(form)) },
                Self.succeeds { () throws(SignallingError) in _ = try TwilioStreamStatus(form).errorCode },
                Self.succeeds { () throws(SignallingError) in _ = try TwilioRecordingStatus(form) },
            ].contains(true)
        }
    }

    @Test func telnyx() throws {
        let seeds = try CallbackVector.names("telnyx_webhook_").map { Array(try CallbackVector.data($0)) }
        var flow = TelnyxCallFlow()
        Self.damage(seeds, seed: 2) { bytes in
            Self.succeeds { () throws(SignallingError) in _ = flow.take(try TelnyxEvent(json: bytes)) }
        }
    }

    @Test func exotel() throws {
        let fields = try #require(
            try CallbackVector.object("exotel_http_status_callback")["fields"] as? [String: String])
        let passthru = try #require(
            try CallbackVector.object("exotel_http_passthru_after_voicebot")["fields"] as? [String: String])
        var multipart = ""
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            multipart += "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        let seeds = [
            FormFields(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }).body,
            FormFields(passthru.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }).body,
            Array((multipart + "--b--").utf8), try CallbackVector.bytes(fields),
            Array(#"Stream={"StreamSID":"a","Status":"failed","Error":"3009 x","Duration":"1"}"#.utf8),
        ]
        Self.damage(seeds, seed: 3) { bytes in
            let type = bytes.starts(with: Array("--".utf8)) ? "multipart/form-data; boundary=b" : nil
            return Self.succeeds { () throws(SignallingError) in
                _ = try ExotelCallback(query: [], contentType: type, body: bytes).stream?.errorCode
            }
        }
    }

    /// The answers of the three services.
    @Test func answers() throws {
        var seeds: [[UInt8]] = []
        for name in try CallbackVector.names("twilio_rest_", "telnyx_rest_", "exotel_rest_") {
            let object = try CallbackVector.object(name)
            for member in object.values {
                guard let member = member as? [String: Any] else { continue }
                seeds.append(try CallbackVector.bytes(member["body"] ?? member["response"] ?? ""))
            }
        }
        seeds.append(
            Array(
                "<TwilioResponse><Stream><ActiveStreamCount>0</ActiveStreamCount><ThrottleLimit>1</ThrottleLimit>"
                    .utf8))
        Self.damage(seeds, seed: 4) { bytes in
            let answer = RESTAnswer(status: bytes.count % 5 == 0 ? 422 : 200, body: bytes)
            return [
                Self.succeeds { () throws(RESTFailure) in _ = try TwilioREST.call(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try TwilioREST.recordings(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try TelnyxREST.answered(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try TelnyxREST.recordings(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try TelnyxREST.dialled(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try ExotelREST.call(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try ExotelREST.calls(answer) },
                Self.succeeds { () throws(RESTFailure) in _ = try ExotelREST.activeStreams(answer) },
            ].contains(true)
        }
    }
}
