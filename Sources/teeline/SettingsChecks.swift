// The doctor's look at the configuration.

import Exchange

/// Checks of settings.
enum SettingsChecks {
    /// The settings, and what is wrong with them.
    static func load(_ environment: ServerEnvironment) -> (Settings?, [DoctorFinding]) {
        do throws(SettingsError) {
            let settings = try SettingsLoader.load(environment: environment.variables)
            return (settings, [.ok("configuration", "every key is understood")])
        } catch {
            return (
                nil,
                error.problems.map {
                    .fail("configuration", $0, "teeline help settings lists every key and its values")
                }
            )
        }
    }

    /// What is allowed, but perhaps not meant.
    static func findings(_ settings: Settings) -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        if settings.apiTokens.isEmpty {
            findings.append(
                .warn(
                    "API", "no token: the server answers this machine only",
                    "TEELINE_API_TOKEN=$(openssl rand -hex 32) opens it to those who have the token"))
        } else {
            findings.append(.ok("API", "\(settings.apiTokens.count) token(s), bound to \(settings.host)"))
        }
        if !settings.carrierAuthIsOff {
            findings.append(
                .warn(
                    "carriers", "media streams are refused: this version has no carrier authentication yet",
                    "TEELINE_CARRIER_AUTH=off takes them; only behind a boundary of your own"))
        } else if settings.isLoopback {
            findings.append(.ok("carriers", "streams are taken unauthenticated, from this machine only"))
        } else {
            findings.append(
                .warn(
                    "carriers", "anybody who reaches \(settings.host):\(settings.port) can open calls",
                    "let only your reverse proxy or private network reach the port"))
        }
        return findings
    }
}
