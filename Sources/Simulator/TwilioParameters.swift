// The parameters of Twilio's Calls API, as carriers.md 2.1.4 and 2.1.5 list them.

/// What a request may say.
struct TwilioParameters: Sendable {
    let known: [String: RESTShape]
    let required: [String]
    /// Whether Url, Twiml or ApplicationSid must be there; otherwise Status may stand for them.
    let needsDirections: Bool

    static let create = TwilioParameters(
        known: [
            "To": .text(), "From": .text(), "Url": .address, "Method": method, "Twiml": .text(limit: 4000),
            "ApplicationSid": .text(), "FallbackUrl": .address, "FallbackMethod": method,
            "StatusCallback": .address, "StatusCallbackMethod": method,
            "StatusCallbackEvent": .oneOf(["initiated", "ringing", "answered", "completed"]),
            "Timeout": .integer(0...600), "TimeLimit": .integer(1...Int64.max),
            "SendDigits": .text(limit: 32),
            "Record": .bool, "RecordingChannels": .oneOf(["mono", "dual"]),
            "RecordingTrack": .oneOf(["inbound", "outbound", "both"]), "RecordingStatusCallback": .address,
            "RecordingStatusCallbackMethod": method, "RecordingStatusCallbackEvent": .any,
            "Trim": .oneOf(["trim-silence", "do-not-trim"]),
            "MachineDetection": .oneOf(["Enable", "DetectMessageEnd"]), "AsyncAmd": .bool,
            "AsyncAmdStatusCallback": .address, "AsyncAmdStatusCallbackMethod": method,
        ], required: ["To", "From"], needsDirections: true)

    static let update = TwilioParameters(
        known: [
            "Status": .oneOf(["completed", "canceled"]), "Url": .address, "Method": method,
            "Twiml": .text(limit: 4000), "StatusCallback": .address, "StatusCallbackMethod": method,
        ], required: [], needsDirections: false)

    private static let method = RESTShape.oneOf(["GET", "POST"])
    private static let repeatable: Set<String> = ["StatusCallbackEvent", "RecordingStatusCallbackEvent"]

    /// What is wrong with `fields`.
    func faults(_ fields: [String: [String]]) -> [String] {
        var faults = required.filter { fields[$0] == nil }.map { "\($0) is missing" }
        for (name, values) in fields.sorted(by: { $0.key < $1.key }) {
            // Tuning of the machine detection is not looked into.
            if name.hasPrefix("MachineDetection"), name != "MachineDetection", needsDirections { continue }
            guard let shape = known[name] else {
                let folded = known.keys.contains { $0.lowercased() == name.lowercased() }
                faults.append(folded ? "\(name) is written in the wrong case" : "\(name) is not known")
                continue
            }
            if values.count > 1, !Self.repeatable.contains(name) { faults.append("\(name) stands twice") }
            for value in values {
                if let fault = shape.fault(of: Self.typed(value, shape)) { faults.append("\(name) \(fault)") }
            }
        }
        for value in fields["RecordingStatusCallbackEvent"] ?? [] {
            let parts = value.split(separator: " ")
            if parts.isEmpty || !parts.allSatisfy({ ["in-progress", "completed", "absent"].contains($0) }) {
                faults.append("RecordingStatusCallbackEvent has a value that is not known")
            }
        }
        let ways = ["Url", "Twiml", "ApplicationSid"].filter { fields[$0] != nil }
        if needsDirections ? ways.count != 1 : ways.count + (fields["Status"] == nil ? 0 : 1) != 1 {
            faults.append(
                needsDirections
                    ? "wants one of Url, Twiml, ApplicationSid" : "wants one of Status, Url, Twiml")
        }
        for text in fields["Twiml"] ?? [] {
            faults += TwimlReading(Array(text.utf8)).faults.map { "Twiml: " + $0 }
        }
        return faults
    }

    /// A form's text as the type its parameter has.
    private static func typed(_ text: String, _ shape: RESTShape) -> RESTValue {
        switch shape {
        case .integer: Int64(text).map(RESTValue.integer) ?? .text(text)
        case .bool: ["true": .bool(true), "false": .bool(false)][text] ?? .text(text)
        default: .text(text)
        }
    }

    /// Where the TwiML comes from.
    static func directions(_ fields: [String: [String]]) -> TwilioDirections? {
        if let text = fields["Twiml"]?.first { return .inline(text) }
        return fields["Url"]?.first.map { .address(url: $0, method: fields["Method"]?.first ?? "POST") }
    }
}

/// TwiML taken apart, and what is wrong with it.
struct TwimlReading: Sendable {
    /// The verbs in order.
    var verbs: [XMLScan] = []
    /// What is wrong, by carriers.md 2.1.2.
    var faults: [String] = []

    init(_ bytes: [UInt8]) {
        guard let root = XMLScan.parse(bytes) else {
            faults.append("is not well formed")
            return
        }
        guard root.name == "Response" else {
            faults.append("has another root than Response")
            return
        }
        verbs = root.children
        for verb in verbs {
            switch verb.name {
            case "Connect":
                let streams = verb.children.filter { $0.name == "Stream" }
                if streams.count != verb.children.count || streams.count != 1 {
                    faults.append("Connect does not hold one Stream")
                }
                for stream in streams { check(stream, isConnected: true) }
            case "Start":
                for stream in verb.children where stream.name == "Stream" {
                    check(stream, isConnected: false)
                }
            case "Stop", "Say", "Play", "Pause", "Hangup", "Reject", "Redirect", "Record", "Gather", "Dial":
                continue
            default: faults.append("has a verb that is not known")
            }
        }
    }

    private mutating func check(_ stream: XMLScan, isConnected: Bool) {
        let url = stream.attributes["url"] ?? ""
        if !FormText.isSecureSocket(url) { faults.append("Stream url is no WebSocket address") }
        if url.contains("?") { faults.append("Stream url has a query, which is not supported") }
        let tracks = isConnected ? ["inbound_track"] : ["inbound_track", "outbound_track", "both_tracks"]
        if let track = stream.attributes["track"], !tracks.contains(track) {
            faults.append("Stream track is not allowed here")
        }
        let known = ["url", "name", "track", "statusCallback", "statusCallbackMethod"]
        if !Set(stream.attributes.keys).isSubset(of: known) {
            faults.append("Stream has an attribute that is not known")
        }
        if let address = stream.attributes["statusCallback"], !FormText.isURL(address, ["https", "http"]) {
            faults.append("Stream statusCallback is not absolute")
        }
        for child in stream.children {
            let isParameter = child.name == "Parameter" && Set(child.attributes.keys) == ["name", "value"]
            if !isParameter {
                faults.append("Stream holds something else than Parameter with name and value")
            }
        }
    }
}
