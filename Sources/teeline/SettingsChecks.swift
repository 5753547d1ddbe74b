// The doctor's look at the configuration.

import Exchange

/// Checks of settings.
enum SettingsChecks {
    /// The settings, and what is wrong with them.
    static func load(_ environment: ServerEnvironment) -> (Settings?, [DoctorFinding]) {
        do throws(SettingsError) {
            let settings = try SettingsLoader.load(environment: environment.variables)
            guard settings.warnings.isEmpty else {
                return (
                    settings,
                    settings.warnings.map {
                        .warn("configuration", $0, "correct it, or leave it to the program it is meant for")
                    }
                )
            }
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

    /// Whether a carrier can come in. One that nobody set up is no mistake.
    private static func finding(_ readiness: CarrierReadiness) -> DoctorFinding {
        let name = readiness.carrier.rawValue
        guard !readiness.missing.isEmpty else {
            let places =
                readiness.missingForPlacing.isEmpty
                ? "calls are taken and can be placed"
                : "calls are taken; to place some set " + readiness.missingForPlacing.joined(separator: ", ")
            return .ok(name, places)
        }
        return .warn(
            name, "its calls are refused", "to take them set " + readiness.missing.joined(separator: ", "))
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
            findings += settings.carriers.map(finding)
            if settings.switchboard.proxies.base?.isSecure == true,
                settings.switchboard.proxies.proxies.isEmpty
            {
                findings.append(
                    .warn(
                        "proxy", "whoever comes through your proxy counts as one source",
                        "TEELINE_TRUSTED_PROXIES=127.0.0.1 (the proxy's address) tells them apart"))
            }
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
