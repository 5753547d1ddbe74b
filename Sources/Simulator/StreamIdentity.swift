// The ids a simulated carrier gives its stream, from the call's seed.

import Carriers

/// The ids of one stream.
public struct StreamIdentity: Sendable, Hashable {
    /// The stream's id (`streamSid`, `stream_id`).
    public var streamID: String
    /// The carrier's id of the call.
    public var callID: String
    /// The account's id.
    public var accountID: String

    /// Ids made of their parts.
    public init(streamID: String, callID: String, accountID: String) {
        self.streamID = streamID
        self.callID = callID
        self.accountID = accountID
    }
}

extension SimulatedCallSettings {
    /// What the stream's `start` says: ids in the carrier's own shape, numbers where it tells them.
    func streamStart() -> StreamStart {
        var generator = SeededGenerator(seed: seed)
        let streamID: String
        let callID: String
        let accountID: String
        switch dialect.carrier {
        case .twilio:
            streamID = "MZ" + generator.hexadecimal(digits: 32)
            callID = "CA" + generator.hexadecimal(digits: 32)
            accountID = "AC" + generator.hexadecimal(digits: 32)
        case .telnyx:
            streamID = generator.uuid()
            callID = "v3:" + generator.hexadecimal(digits: 43)
            accountID = generator.uuid()
        case .exotel:
            streamID = generator.hexadecimal(digits: 32)
            // Real ids end in a letter that is no hexadecimal digit now and then.
            callID = generator.hexadecimal(digits: 31) + "m"
            accountID = "simulated1"
        }
        var parameters = parameters
        if dialect.carrier == .twilio, tellsNumbers {
            // Twilio tells no numbers; a bridge passes them on as parameters.
            parameters["From"] = parameters["From"] ?? caller
            parameters["To"] = parameters["To"] ?? called
        }
        return StreamStart(
            carrier: dialect.carrier, streamID: identity?.streamID ?? streamID,
            callID: identity?.callID ?? callID, accountID: identity?.accountID ?? accountID,
            caller: caller, called: called, inbound: dialect.inbound, outbound: dialect.outbound,
            parameters: parameters)
    }
}
