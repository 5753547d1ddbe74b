// Which carriers can come in with the present settings, and what is missing for the others.

import Carriers

/// Whether a carrier's calls can be taken, and why not.
public struct CarrierReadiness: Sendable, Hashable {
    /// The carrier.
    public var carrier: Carrier
    /// Variables that have to be set for its calls to be taken; empty when they are.
    public var missing: [String]
    /// Variables that have to be set for calls to be placed with it; empty when they can be.
    public var missingForPlacing: [String]
}

extension Settings {
    /// Every carrier's readiness. With authentication off all of them may come in.
    public var carriers: [CarrierReadiness] { Carrier.allCases.map(readiness) }

    private func readiness(_ carrier: Carrier) -> CarrierReadiness {
        let doors = switchboard
        func unset(_ pairs: [(Bool, String)]) -> [String] { pairs.filter { !$0.0 }.map(\.1) }
        let hasURL = (doors.proxies.base != nil, "TEELINE_PUBLIC_URL")
        var taking: [(Bool, String)]
        let placing: [(Bool, String)]
        switch carrier {
        case .twilio:
            let account = doors.twilio
            taking = [
                hasURL, (!account.authTokens.isEmpty || !account.sharedKeys.isEmpty, "TWILIO_AUTH_TOKEN"),
            ]
            placing = [
                hasURL, (!account.accountSID.isEmpty, "TWILIO_ACCOUNT_SID"),
                (!account.authTokens.isEmpty || !account.apiKeySecret.isEmpty, "TWILIO_AUTH_TOKEN"),
            ]
        case .telnyx:
            let account = doors.telnyx
            taking = [
                hasURL, (!account.publicKeys.isEmpty, "TELNYX_PUBLIC_KEY"),
                (!account.apiKey.isEmpty, "TELNYX_API_KEY"),
            ]
            placing = [
                hasURL, (!account.apiKey.isEmpty, "TELNYX_API_KEY"),
                (!account.connectionID.isEmpty, "TELNYX_CONNECTION_ID"),
            ]
        case .exotel:
            let account = doors.exotel
            let isKnown =
                !account.streamCredentials.isEmpty || !account.allowedAddresses.isEmpty
                || !account.webhookKeys.isEmpty
            taking = [(isKnown, "EXOTEL_STREAM_CREDENTIALS")]
            placing = [
                hasURL, (!account.accountSID.isEmpty, "EXOTEL_ACCOUNT_SID"),
                (!account.apiKey.isEmpty, "EXOTEL_API_KEY"), (!account.apiToken.isEmpty, "EXOTEL_API_TOKEN"),
                (!account.callerID.isEmpty, "EXOTEL_CALLER_ID"),
            ]
        }
        if carrierAuthIsOff { taking = [] }
        return CarrierReadiness(
            carrier: carrier, missing: unset(taking), missingForPlacing: unset(placing))
    }
}
