// What orders of calls may say of their streams, carrier by carrier, and what becomes of it.

import Carriers
import Routing
import Signalling

/// Something of an order's stream that its carrier does not take.
struct StreamOrderFault: Error, Sendable, Hashable {
    /// The member that says it.
    var member: String
}

extension TelnyxStreamSettings {
    /// These settings with what `wishes` say instead. Throws for what `dial` does not take and what is impossible.
    func with(_ wishes: StreamWishes) throws(StreamOrderFault) -> TelnyxStreamSettings {
        var asked = self
        asked.track = try Self.value(wishes.track, .track) ?? track
        asked.codec = try Self.value(wishes.codec, .codec) ?? codec
        asked.bidirectionalCodec =
            try Self.value(wishes.bidirectionalCodec, .bidirectionalCodec) ?? bidirectionalCodec
        // The call's own codec can be asked for towards us only.
        if asked.bidirectionalCodec == .call { throw Self.fault(.bidirectionalCodec) }
        // The configured rate goes with the configured codec.
        asked.rate = wishes.rate ?? (wishes.bidirectionalCodec == nil ? rate : 8000)
        asked.targetLegs = try Self.value(wishes.targetLegs, .targetLegs) ?? targetLegs
        asked.silenceWhenIdle = wishes.silenceWhenIdle ?? silenceWhenIdle
        asked.establishesBeforeOriginating =
            wishes.establishesBeforeOriginating ?? establishesBeforeOriginating
        asked.enablesDialogflow = wishes.enablesDialogflow ?? enablesDialogflow
        asked.dialogflowSettings =
            wishes.dialogflowSettings ?? (asked.enablesDialogflow ? dialogflowSettings : nil)
        let named = Set(wishes.parameters.map(\.name))
        asked.parameters = parameters.filter { !named.contains($0.name) } + wishes.parameters
        if let first = asked.faults.first { throw Self.fault(first.subject) }
        return asked
    }

    private static func value<Value: RawRepresentable<String>>(
        _ text: String?, _ subject: TelnyxStreamFault.Subject
    ) throws(StreamOrderFault) -> Value? {
        guard let text else { return nil }
        guard let value = Value(rawValue: text) else { throw fault(subject) }
        return value
    }

    private static func fault(_ subject: TelnyxStreamFault.Subject) -> StreamOrderFault {
        StreamOrderFault(member: subject.rawValue)
    }
}

/// What Twilio and Exotel take of wishes.
enum StreamOrders {
    /// Less characters than these have name and value of a parameter of Twilio's together (carriers.md §2.1.2).
    private static let twilioParameterLimit = 500
    /// Most parameters of an Exotel stream, and most characters of them all in the address (carriers.md §4.1.1). One is
    /// the stream's token.
    private static let exotelLimits = (parameters: 3, characters: 256)
    /// Most characters of an Exotel stream's name (carriers.md §4.1.2); a bound of ours for Twilio's.
    private static let nameLimit = 32

    /// Throws for what a `<Connect><Stream>` does not take: it has the inbound track alone (error 31941).
    static func checkTwilio(_ wishes: StreamWishes) throws(StreamOrderFault) {
        guard wishes.track ?? "inbound_track" == "inbound_track" else {
            throw StreamOrderFault(member: "track")
        }
        guard ["POST", "GET"].contains(wishes.statusCallbackMethod ?? "POST") else {
            throw StreamOrderFault(member: "status_callback_method")
        }
        try checkName(wishes)
        try checkParameters(wishes.parameters, reserved: [TwilioDoor.tokenParameter, "From", "To"]) {
            $0.name.unicodeScalars.count + $0.value.unicodeScalars.count < twilioParameterLimit
        }
    }

    /// Throws for what the address of an Exotel stream does not take.
    static func checkExotel(_ wishes: StreamWishes) throws(StreamOrderFault) {
        guard [8000, 16_000, 24_000].contains(wishes.rate ?? 8000) else {
            throw StreamOrderFault(member: "sample_rate")
        }
        try checkName(wishes)
        try checkParameters(wishes.parameters, reserved: ["token", "sample-rate", "sample_rate"]) { _ in true
        }
        let token = String(repeating: "t", count: StreamPass.characters)
        let query = StreamAddress.query(token: token, wishes.parameters)
        guard wishes.parameters.count < exotelLimits.parameters, query.utf8.count <= exotelLimits.characters
        else { throw StreamOrderFault(member: "custom_parameters") }
    }

    private static func checkName(_ wishes: StreamWishes) throws(StreamOrderFault) {
        guard (1...nameLimit).contains(wishes.name?.unicodeScalars.count ?? 1) else {
            throw StreamOrderFault(member: "name")
        }
    }

    private static func checkParameters(
        _ parameters: [StreamWishes.Parameter], reserved: Set<String>,
        _ isTaken: (StreamWishes.Parameter) -> Bool
    ) throws(StreamOrderFault) {
        let areSound = parameters.allSatisfy {
            !$0.name.isEmpty && !reserved.contains($0.name) && isTaken($0)
        }
        guard areSound, Set(parameters.map(\.name)).count == parameters.count,
            parameters.count <= TelnyxStreamSettings.parameterLimits.count
        else { throw StreamOrderFault(member: "custom_parameters") }
    }
}
