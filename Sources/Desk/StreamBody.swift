// The member `stream` of an order: what it may say, carrier by carrier.

import Routing
import Wire

/// Reads what an order says of its call's stream. Which values a carrier takes its door knows; here are names and types.
enum StreamBody {
    /// What may stand in `stream`, by carrier, with its schema. The names are the carrier's own without `stream_`.
    private static let members: [(name: String, carriers: Set<String>, schema: String)] = [
        ("track", ["twilio", "telnyx"], choice(["inbound_track", "outbound_track", "both_tracks"])),
        ("codec", ["telnyx"], choice(["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16", "default"])),
        ("bidirectional_codec", ["telnyx"], choice(["PCMU", "PCMA", "G722", "OPUS", "AMR-WB", "L16"])),
        ("bidirectional_sampling_rate", ["telnyx"], #"{"enum":[8000,16000,22050,24000,48000]}"#),
        ("bidirectional_target_legs", ["telnyx"], choice(["self", "opposite", "both"])),
        ("send_silence_when_idle", ["telnyx"], #"{"type":"boolean"}"#),
        ("establish_before_call_originate", ["telnyx"], #"{"type":"boolean"}"#),
        ("enable_dialogflow", ["telnyx"], #"{"type":"boolean"}"#),
        ("dialogflow_config", ["telnyx"], #"{"type":"object"}"#),
        ("name", ["twilio", "exotel"], #"{"type":"string","minLength":1,"maxLength":32}"#),
        ("status_callback_method", ["twilio"], choice(["POST", "GET"])),
        ("sample_rate", ["exotel"], #"{"enum":[8000,16000,24000]}"#),
        (
            "custom_parameters", ["twilio", "telnyx", "exotel"],
            #"{"type":"object","additionalProperties":{"type":"string"}}"#
        ),
    ]

    /// The schema of `stream`: all members, each with the carriers that take it.
    static let schema: String = {
        let properties = members.map { member in
            let carriers = member.carriers.sorted().joined(separator: ", ")
            let described = member.schema.dropLast() + #","description":"For \#(carriers)"}"#
            return "\"\(member.name)\":\(described)"
        }
        return
            #"{"type":"object","additionalProperties":false,"properties":{\#(properties.joined(separator: ","))}}"#
    }()

    private static func choice(_ values: [String]) -> String {
        #"{"enum":[\#(values.map { "\"\($0)\"" }.joined(separator: ","))]}"#
    }

    /// Most bytes of Dialogflow's settings.
    private static let settingsLimit = 16 << 10

    static func wishes(_ value: BodyValue, carrier: String) throws(BodyFault) -> StreamWishes {
        do throws(BodyFault) {
            return try read(value, carrier)
        } catch {
            throw error.under("stream")
        }
    }

    private static func read(_ value: BodyValue, _ carrier: String) throws(BodyFault) -> StreamWishes {
        let known = members.filter { $0.carriers.contains(carrier) }.map(\.name)
        let body = try BodyObject(value, known: Set(known))
        var wishes = StreamWishes()
        wishes.track = try body.text("track")
        wishes.codec = try body.text("codec")
        wishes.bidirectionalCodec = try body.text("bidirectional_codec")
        wishes.rate = try body.integer(carrier == "exotel" ? "sample_rate" : "bidirectional_sampling_rate")
        wishes.targetLegs = try body.text("bidirectional_target_legs")
        wishes.silenceWhenIdle = try body.flag("send_silence_when_idle")
        wishes.establishesBeforeOriginating = try body.flag("establish_before_call_originate")
        wishes.enablesDialogflow = try body.flag("enable_dialogflow")
        if let settings = body.value("dialogflow_config") {
            guard case .object = settings, settings.json.utf8.count <= settingsLimit else {
                throw .bad("dialogflow_config")
            }
            wishes.dialogflowSettings = settings.json
        }
        wishes.name = try body.text("name")
        wishes.statusCallbackMethod = try body.text("status_callback_method")
        wishes.parameters = try body.map("custom_parameters", scalars: false)
            .sorted { $0.key < $1.key }.map { StreamWishes.Parameter(name: $0.key, value: $0.value) }
        return wishes
    }
}

extension BodyValue {
    /// The value as JSON.
    fileprivate var json: String {
        switch self {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .number(let number): number
        case .text(let text): JSON.quoted(text)
        case .array(let items): JSON.array(items.map(\.json))
        case .object(let members):
            JSON.object(members.map { (name: $0.name, json: $0.value.json) })
        }
    }
}

extension BodyFault {
    /// The same fault of a member of the object `name`.
    fileprivate func under(_ name: String) -> BodyFault {
        switch self {
        case .syntax: .bad(name)
        case .unknown(let member): .unknown(name + "." + member)
        case .missing(let member): .missing(name + "." + member)
        case .bad(let member): .bad(name + "." + member)
        }
    }
}
