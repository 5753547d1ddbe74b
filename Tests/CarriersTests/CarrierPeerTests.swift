// The carrier's own side: strictness of each carrier, and messages that survive damage.

import Damage
import Audio
import Carriers
import Testing

private func peer(_ carrier: Carrier, _ dialect: CarrierPeer.Dialect = .documented) -> CarrierPeer {
    let format = carrier == .exotel ? AudioFormat(.pcm16, rate: 8000) : .pcmu8k
    return CarrierPeer(
        start: StreamStart(
            carrier: carrier, streamID: "MZ1", callID: "CA1", accountID: "AC1", caller: "+1", called: "+2",
            inbound: format, outbound: format, parameters: ["k": "\"v\"\n"]), dialect: dialect)
}

private func command(_ peer: inout CarrierPeer, _ message: String) -> CarrierCommand {
    Array(message.utf8).withUnsafeBytes { peer.decodeCommand($0) }
}

@Test(arguments: [
    "{\"event\":\"clear\",\"streamSid\":\"MZ1\",\"extra\":1}", "{\"event\":\"clear\"}",
    "{\"event\":\"clear\",\"streamSid\":\"MZ2\"}", "{\"event\":\"clear\",\"streamSid\":5}",
    "{\"event\":\"clear\",\"streamSid\":\"MZ1\",\"mark\":{\"name\":\"m\"}}",
    "{\"event\":\"mark\",\"streamSid\":\"MZ1\",\"mark\":{\"name\":\"m\",\"x\":1}}",
    "{\"event\":\"mark\",\"streamSid\":\"MZ1\",\"mark\":{}}",
    "{\"event\":\"mark\",\"streamSid\":\"MZ1\",\"mark\":\"m\"}",
    "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"//8=\",\"track\":\"inbound\"}}",
    "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{}}", "{\"event\":\"media\",\"streamSid\":\"MZ1\"}",
    "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"*\"}}",
    "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"//8=\"},\"sequenceNumber\":\"1\"}",
    "{\"event\":\"mark\",\"streamSid\":\"MZ1\",\"mark\":{\"name\":\"m\"},\"x\":null}",
    "{\"event\":\"stop\",\"streamSid\":\"MZ1\"}", "{\"streamSid\":\"MZ1\"}", "[]", "",
    "{\"event\":\"clear\",\"streamSid\":\"MZ1\"}x",
])
func twilioIsStrict(_ message: String) {
    var twilio = peer(.twilio)
    #expect(command(&twilio, message) == .refused(code: 31951))
    #expect(command(&twilio, "{\"event\":\"clear\",\"streamSid\":\"MZ1\"}") == .clear)
}

@Test func the_others_overlook_more() {
    var telnyx = peer(.telnyx)
    #expect(command(&telnyx, "{\"event\":\"clear\",\"stream_id\":\"x\"}") == .clear)
    #expect(command(&telnyx, "{\"event\":\"hangup\"}") == .refused(code: 100003))
    #expect(command(&telnyx, "nonsense") == .refused(code: 100003))
    #expect(command(&telnyx, "{\"event\":\"media\",\"media\":{\"payload\":\"*\"}}") == .refused(code: 100004))
    #expect(command(&telnyx, "{\"event\":\"media\",\"media\":{\"payload\":\"\\/\\/8=\"}}") == .media)
    #expect(telnyx.payload == [0xFF, 0xFF])
    var exotel = peer(.exotel)
    #expect(
        command(&exotel, "{\"event\":\"mark\",\"stream_sid\":\"x\",\"mark\":{\"name\":\"m\",\"x\":1}}")
            == .mark(name: "m"))
    #expect(command(&exotel, "nonsense") == .refused(code: 0))
}

@Test(arguments: Carrier.allCases, CarrierPeer.Dialect.allCases)
func everything_said_is_understood(_ carrier: Carrier, _ dialect: CarrierPeer.Dialect) throws {
    var peer = peer(carrier, dialect)
    var codec = CarrierCodec(carrier: carrier)
    #expect(try codec.event(written { peer.encodeConnected(into: &$0) }) == .connected)
    var start = peer.start
    if carrier == .twilio { (start.caller, start.called) = (nil, nil) }
    #expect(try codec.event(written { peer.encodeStart(into: &$0) }) == .start(start))
    let track: Track = carrier == .exotel ? .inbound : .outbound
    let media = written { output in
        [UInt8](repeating: 0xD5, count: 160).withUnsafeBytes {
            peer.encodeMedia($0, track: track, chunk: 1, timestamp: 20, into: &output)
        }
    }
    #expect(try codec.event(media) == .media(MediaStamp(track: track, sequence: 2, chunk: 1, timestamp: 20)))
    #expect(codec.payload == [UInt8](repeating: 0xD5, count: 160))
    let digit = try codec.event(written { peer.encodeDTMF("#", milliseconds: 80, into: &$0) })
    #expect(digit == .dtmf(digit: "#", milliseconds: carrier == .exotel ? 80 : nil))
    #expect(try codec.event(written { peer.encodeMark("m\"1", into: &$0) }) == .mark(name: "m\"1"))
    if carrier == .exotel { #expect(try codec.event(written { peer.encodeClear(into: &$0) }) == .clear) }
    let stop = try codec.event(written { peer.encodeStop(reason: "stopped", into: &$0) })
    #expect(stop == .stop(reason: carrier == .exotel ? "stopped" : nil))
    #expect(
        written { peer.encodeError(code: 1, title: "t", detail: "d", into: &$0) }.isEmpty
            == (carrier != .telnyx))
    // And what the codec says, the peer takes, whichever spelling it knows.
    guard dialect != .camelCase || carrier != .exotel else { return }
    let clear = written { codec.encodeClear(into: &$0) }
    #expect(clear.withUnsafeBytes { peer.decodeCommand($0) } == .clear)
}

@Test(arguments: Carrier.allCases)
func damage_never_traps(_ carrier: Carrier) throws {
    var random = SplitMix64(seed: 3)
    var peer = peer(carrier)
    let sound = (0..<160).map { UInt8($0) }
    let messages = [
        written { peer.encodeConnected(into: &$0) }, written { peer.encodeStart(into: &$0) },
        written { output in
            sound.withUnsafeBytes { peer.encodeMedia($0, chunk: 1, timestamp: 0, into: &output) }
        },
        written { peer.encodeDTMF("5", into: &$0) }, written { peer.encodeMark("m", into: &$0) },
        written { peer.encodeStop(into: &$0) },
        written { peer.encodeError(code: 1, title: "t", detail: "", into: &$0) },
    ].filter { !$0.isEmpty }
    var codec = CarrierCodec(carrier: carrier)
    let right = try codec.event(messages[2])
    var understood = 0
    for round in 0..<10000 {
        let damaged = mutated(messages[round % messages.count], using: &random)
        damaged.withUnsafeBytes { raw in
            do throws(CarrierMessageError) {
                _ = try codec.decode(raw)
                understood += 1
            } catch { #expect(codec.payload.isEmpty) }
            _ = CarrierCodec.detect(raw)
            _ = peer.decodeCommand(raw)
        }
        #expect(try codec.event(messages[2]) == right)
        #expect(codec.payload == sound)
    }
    // The damage is not so heavy that only the scanner is tried.
    #expect(understood > 500)
}
