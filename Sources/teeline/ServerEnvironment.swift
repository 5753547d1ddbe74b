// The environment that settings are read from, with what the command line says laid over it.

import Exchange
import Foundation

/// Settings as a command sees them: options win over the environment.
struct ServerEnvironment {
    /// The variables.
    var variables: [String: String]

    /// The process's environment under `arguments`.
    init(_ arguments: ParsedArguments, environment: [String: String] = ProcessInfo.processInfo.environment) {
        variables = environment
        let overrides = [
            ("--config", "TEELINE_CONFIG"), ("--storage", "TEELINE_STORAGE"), ("--port", "PORT"),
            ("--host", "HOST"),
        ]
        for (option, variable) in overrides {
            if let value = arguments.values[option] { variables[variable] = value }
        }
    }

    /// The settings.
    func settings() throws(CommandFailure) -> Settings {
        do throws(SettingsError) {
            return try SettingsLoader.load(environment: variables)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// The archive's folder: who names it on the command line can read it whatever else is configured.
    func storage(_ arguments: ParsedArguments) throws(CommandFailure) -> String {
        if let named = arguments.values["--storage"] { return named }
        return try settings().storage
    }
}
