// Whose stream it is, told by its first frames: from every vector, in doubt, and from hostile frames.

import Carriers
import Damage
import Foundation
import Testing

@Suite struct CarrierRecognitionTests {
    /// The vectors that are single frames a carrier sends, by carrier: connected, start, and any other.
    private static let frames: [(name: String, carrier: Carrier)] = {
        let files = Bundle.module.urls(forResourcesWithExtension: "json", subdirectory: "Vectors") ?? []
        let names = files.compactMap { $0.lastPathComponent?.dropLast(".json".count) }.map(String.init)
            .sorted()
        return names.filter { $0.contains("_ws_in_") }.compactMap { name in
            Carrier(rawValue: String(name.prefix { $0 != "_" })).map { (name: name, carrier: $0) }
        }
    }()
    private static let starts = frames.filter { $0.name.contains("start") || $0.name.contains("camelcase") }

    private func finding(_ message: [UInt8], _ recognition: inout CarrierRecognition)
        -> CarrierRecognition.Finding?
    {
        message.withUnsafeBytes { raw in
            do throws(CarrierMessageError) { return try recognition.take(raw) } catch { return nil }
        }
    }

    private func detected(_ message: [UInt8]) -> Carrier? {
        message.withUnsafeBytes { CarrierCodec.detect($0) }
    }

    /// Eleven starts, three hellos, and what comes later: a start is recognised, a stop is one, all else waits.
    @Test func everyVectorIsItsCarriers() throws {
        #expect(Self.starts.count == 11 && Self.frames.count >= 37)
        for (name, carrier) in Self.frames {
            let message = Array(try vector(name))
            var recognition = CarrierRecognition(Set(Carrier.allCases))
            let told = finding(message, &recognition)
            if name.contains("start") || name.contains("camelcase") {
                #expect(told == .start(carrier) && recognition.count == 0, "\(name)")
                #expect(detected(message) == carrier, "\(name)")
            } else if name.contains("_stop") {
                #expect(told == .stop, "\(name)")
            } else {
                #expect(told == .nothing && recognition.count == 1, "\(name)")
            }
            // Of the hellos Twilio's alone says whose it is.
            let isTwilioHello = name == "twilio_ws_in_connected"
            #expect(recognition.carrier == (isTwilioHello ? .twilio : nil), "\(name)")
        }
    }

    /// The sessions of the documents, by what comes first.
    @Test(arguments: [
        "twilio_session_connect_stream", "twilio_session_start_stream_both_tracks", "telnyx_session_rtp_pcmu",
        "exotel_session_voicebot_8k",
    ])
    func sessionsAreRecognised(_ name: String) throws {
        let carrier = try #require(Carrier(rawValue: String(name.prefix { $0 != "_" })))
        var recognition = CarrierRecognition(Set(Carrier.allCases))
        var said: [CarrierRecognition.Finding?] = []
        for entry in try #require(object(vector(name))["events"] as? [NSDictionary])
        where entry["from"] as? String == "carrier" {
            let message = try JSONSerialization.data(withJSONObject: try child(entry, "msg"))
            said.append(finding(Array(message), &recognition))
            if case .start = said.last { break }
        }
        #expect(said == [.nothing, .start(carrier)])
    }

    /// Plivo's start (carriers.md §9), members of two carriers, nothing at all: nobody's.
    @Test(arguments: [
        #"{"event":"start","start":{"callId":"1","streamId":"2"}}"#, #"{"event":"start"}"#,
        #"{"event":"start","start":[]}"#, #"{"event":"start","start":{"callSid":7,"streamSid":8}}"#,
        #"{"event":"start","stream_id":"a","start":{"call_control_id":"v3:a","call_sid":"b"}}"#,
        #"{"event":"start","stream_id":"a","start":{"call_control_id":"v3:a","callSid":"CA1"}}"#,
        #"{"event":"start","start":{"callSid":"CA1"}}"#,
        #"{"event":"start","start":{"callSid":"1","streamSid":"2","mediaFormat":{"encoding":"audio/x-mulaw"}}}"#,
        #"{"event":7}"#, "{}", "[]", "", "null", "{\"event\":\"media\"}",
        #"{"event":"media","media":{"payload":""}}"#,
    ])
    func whatIsNobodysIsBad(_ message: String) {
        var recognition = CarrierRecognition(Set(Carrier.allCases))
        #expect(finding(Array(message.utf8), &recognition) == nil)
        #expect(recognition.count == 0 && detected(Array(message.utf8)) == nil)
    }

    /// Exotel in camelCase may bear the ids that its documents print, MZ and CA: its sound tells it from Twilio.
    @Test(arguments: [
        ("audio/x-raw", Carrier.exotel), ("raw", .exotel), ("audio/x-mulaw", .twilio), ("audio/l16", .twilio),
    ])
    func theSoundTellsIdsApart(_ encoding: String, _ carrier: Carrier) {
        let start =
            #"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","mediaFormat":{"encoding":"\#(encoding)"}}}"#
        var recognition = CarrierRecognition(Set(Carrier.allCases))
        #expect(finding(Array(start.utf8), &recognition) == .start(carrier))
    }

    @Test func whatWasSaidBeforeIsKeptInOrder() throws {
        let names = [
            "telnyx_ws_in_connected", "telnyx_ws_in_media_inbound", "telnyx_ws_in_media_outbound",
            "telnyx_ws_in_dtmf", "telnyx_ws_in_error_100003", "telnyx_ws_in_media_inbound",
        ]
        let messages = try names.map { Array(try vector($0)) } + [Array(#"{"event":"new","x":1}"#.utf8)]
        var recognition = CarrierRecognition([.telnyx, .exotel])
        for message in messages { #expect(finding(message, &recognition) == .nothing) }
        #expect(finding([0x7B], &recognition) == nil)
        var again: [[UInt8]] = []
        recognition.forEach { again.append(Array($0)) }
        #expect(again == messages)
        // Two of the caller, one of ours; one kind that nobody documents.
        #expect(recognition.mediaMessages == 2 && recognition.unknownMessages == 1)
        #expect(recognition.carrier == nil && CarrierRecognition([.exotel]).carrier == .exotel)
    }

    /// Every bit of every start flipped once: it is its own carrier's still, or nobody's.
    @Test func aFlippedBitMakesItNobodyElses() throws {
        var doubts = 0
        for (name, carrier) in Self.starts {
            let whole = Array(try vector(name))
            for at in whole.indices {
                for bit in 0..<8 {
                    var message = whole
                    message[at] ^= 1 << UInt8(bit)
                    let found = detected(message)
                    if found == nil { doubts += 1 }
                    guard found != nil, found != carrier else { continue }
                    Issue.record("\(name) byte \(at) bit \(bit) is \(String(describing: found))")
                }
            }
        }
        // Quotes and braces alone make thousands unreadable.
        #expect(doubts > 1_000)
    }

    /// Wounded first frames of all carriers on one stream: no trap, what is kept is what was understood, in order.
    @Test(arguments: Carrier.allCases)
    func hostileFirstFrames(_ carrier: Carrier) throws {
        var random = SplitMix64(seed: UInt64(carrier.rawValue.utf8.count))
        let messages = try Self.frames.filter { $0.carrier == carrier }.map { Array(try vector($0.name)) }
        var found: [Carrier: Int] = [:]
        for _ in 0..<400 {
            var recognition = CarrierRecognition(Set(Carrier.allCases))
            var kept: [[UInt8]] = []
            for _ in 0..<25 {
                let message = mutated(messages.randomElement(using: &random) ?? [], using: &random)
                let told = finding(message, &recognition)
                if told == .nothing { kept.append(message) }
                if case .start(let carrier) = told { found[carrier, default: 0] += 1 }
            }
            var again: [[UInt8]] = []
            recognition.forEach { again.append(Array($0)) }
            #expect(again == kept)
        }
        #expect(found[carrier, default: 0] > 100)
        // Random wounds write no other carrier's names.
        #expect(found.filter { $0.key != carrier }.isEmpty, "\(found)")
    }
}
