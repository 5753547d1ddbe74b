// The JSON schemas of requests' bodies, for the OpenAPI document.

/// Schemas of what the desk takes.
enum BodySchema {
    private static let plan = """
        "mode":{"enum":["agent","speech"]},"agent_id":{"type":"string"},"voice_id":{"type":"string"},\
        "language":{"type":"string"},"first_message":{"type":"string"},\
        "variables":{"type":"object","additionalProperties":{"type":"string"}},\
        "texts":{"type":"array","items":{"type":"string"}},"stays_after_speech":{"type":"boolean"}
        """
    private static let carrier = #""carrier":{"enum":["twilio","telnyx","exotel"]}"#
    private static let number = ##"{"type":"string","pattern":"^\\+[1-9][0-9]{1,14}$"}"##

    static let call = object(
        carrier + #","to":\#(number),"from":\#(number),"stream":\#(StreamBody.schema),"# + plan,
        ["carrier", "to"])
    static let token = object(carrier + #","call_id":{"type":"string"},"# + plan, ["carrier"])
    static let speech = object(#""text":{"type":"string"}"#, ["text"])
    static let nothing = object("", [])
    static let context = object(#""fields":\#(fields)"#, ["fields"])
    static let contexts = """
        {"type":"array","items":{"type":"object","required":["phone"],\
        "properties":{"phone":{"type":"string"},"fields":\(fields)}}}
        """

    private static let fields =
        #"{"type":"object","maxProperties":64,"additionalProperties":{"type":["string","number","boolean"]}}"#

    private static func object(_ properties: String, _ required: [String]) -> String {
        let names = required.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"type":"object","additionalProperties":false,"required":[\#(names)],"#
            + #""properties":{\#(properties)}}"#
    }
}
