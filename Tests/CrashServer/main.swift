// A server for the catastrophe tests: settings from the environment, its port in a file, SIGTERM drains it.

import CSlowDisk
import Exchange
import Foundation
import Glibc
import Telemetry

/// Writes a line to standard error, where the test looks when something went wrong.
func tell(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

let environment = ProcessInfo.processInfo.environment
var signals = sigset_t()
sigemptyset(&signals)
sigaddset(&signals, SIGTERM)
// Before any thread is made: all of them inherit it, and only `sigwait` takes the signal.
pthread_sigmask(SIG_BLOCK, &signals, nil)

if let path = environment["SLOW_DISK_SWITCH"], let storage = environment["TEELINE_STORAGE"] {
    teeline_slow_disk(path, storage, 3_000)
}
do {
    let settings = try SettingsLoader.load(environment: environment, folder: "/nonexistent")
    let exchange = try TelephoneExchange.start(settings, log: Log(level: settings.logLevel) { tell($0) })
    let file = environment["PORT_FILE"] ?? ""
    try "\(exchange.port)".write(toFile: file, atomically: true, encoding: .utf8)
    var number: Int32 = 0
    sigwait(&signals, &number)
    exit(exchange.drainAndStop() == 0 ? 0 : 3)
} catch {
    tell("cannot start: \(error)")
    exit(2)
}
