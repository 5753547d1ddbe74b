// A whole server: puts rooms together, starts, drains, stops.

import Archive
import Calls
import Cryptography
import Desk
import Foundation
import Net
import Recording
import Switchboard
import Telemetry

/// Why a server did not start.
public enum ExchangeError: Error, Sendable, CustomStringConvertible {
    /// The storage cannot be used.
    case archive(ArchiveError)
    /// A key of the settings cannot be used.
    case key(CryptographyError)
    /// The address cannot be bound, or the system gives no loop.
    case net(NetError, host: String, port: UInt16)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .archive(let error): "\(error)"
        case .key:
            "a public key cannot be used: TELNYX_PUBLIC_KEY must be the base64 of 32 bytes as Mission Control shows it"
        case .net(.cannotListen(let errno), let host, let port):
            "cannot listen on \(host) port \(port): \(String(cString: strerror(errno))). \(Self.advice(errno))"
        case .net(let error, _, _): "\(error)"
        }
    }

    /// What to do about an address that cannot be bound.
    private static func advice(_ errno: Int32) -> String {
        switch errno {
        case EADDRINUSE: "Is another server running there? Set PORT or HOST."
        case EADDRNOTAVAIL: "This machine has no such address: set HOST."
        case EACCES: "Set PORT above 1023."
        default: "Set PORT or HOST."
        }
    }
}

/// A running server.
public final class TelephoneExchange: Sendable {
    /// Its settings.
    public let settings: Settings
    /// The archive it fills.
    public let archive: CallArchive
    /// Its metrics.
    public let metrics: MetricsRegistry
    let office: CallOffice
    private let loops: LoopCrew
    private let line: RecordingLine
    private let caretaker: Caretaker
    private let server: HTTPServer
    private let client: HTTPClient
    private let switchboard: TelephoneSwitchboard
    private let speech: SpeechLine?
    private let log: Log

    /// The port it listens on.
    public var port: UInt16 { server.port }

    /// Starts a server: takes the storage, recovers what an earlier one left, listens.
    /// - Throws: `ExchangeError`.
    public static func start(_ settings: Settings, log: Log) throws(ExchangeError) -> TelephoneExchange {
        try start(settings, log: log, bounds: ArchiveSettings(), rhythm: Caretaker.Rhythm())
    }

    /// The same with an archive of other bounds and another rhythm of looking after things; for tests.
    static func start(
        _ settings: Settings, log: Log, bounds: ArchiveSettings, rhythm: Caretaker.Rhythm,
        watch: DiskWatch? = nil
    ) throws(ExchangeError) -> TelephoneExchange {
        let archive: CallArchive
        do throws(ArchiveError) {
            archive = try CallArchive(StorageLayout(root: settings.storage), settings: bounds)
        } catch {
            throw .archive(error)
        }
        let disk = watch ?? DiskWatch(folder: settings.storage, least: settings.leastFreeBytes, log: log)
        return try TelephoneExchange(settings, archive: archive, disk: disk, rhythm: rhythm, log: log)
    }

    private init(
        _ settings: Settings, archive: CallArchive, disk: DiskWatch, rhythm: Caretaker.Rhythm, log: Log
    ) throws(ExchangeError) {
        self.settings = settings
        self.archive = archive
        self.log = log
        metrics = MetricsRegistry()
        ExchangeMetrics.declare(in: metrics)
        disk.look()
        line = RecordingLine(archive: archive, settings: settings, log: log, metrics: metrics, disk: disk)
        client = HTTPClient()
        let door = AgentDoor(settings: settings)
        let speech = SpeechLine(settings: settings, layout: archive.layout, log: log, metrics: metrics)
        self.speech = speech
        office = CallOffice(
            settings: settings, line: line, agentDoor: door, speech: speech ?? NoSpeech(),
            disk: disk, log: log, metrics: metrics)
        let recovery = Recovery(archive: archive, line: line, log: log)
        let mending = Mending(recovery, disk: disk)
        do throws(ExchangeError) {
            switchboard = try Self.open(
                recovery, settings, archive: archive, client: client, floor: office, speech: speech,
                log: log, metrics: metrics)
            office.switchboard = switchboard
        } catch {
            archive.close()
            throw error
        }
        do throws(NetError) {
            loops = try LoopCrew(count: settings.loops)
            let gate = MediaGate(office: office, loops: loops)
            let front = DeskHandler(
                settings: settings, archive: archive, office: office, line: line, mending: mending,
                gate: gate, metrics: metrics, log: log)
            server = try HTTPServer.start(
                HTTPServerSettings(
                    host: settings.host, port: settings.port, threads: settings.httpThreads,
                    connections: settings.maxCalls * 2 + 1024, headerBytes: settings.headerBytes,
                    bodyBytes: settings.bodyBytes,
                    bodyLimits: WebhookRoutes.all.filter { $0.bodyBytes > WebhookRoute.usualBytes }.map {
                        HTTPBodyLimit(
                            path: $0.path, bytes: $0.bodyBytes, seconds: WebhookRoutes.largeBodySeconds)
                    }), handler: front)
        } catch {
            archive.close()
            throw .net(error, host: settings.host, port: settings.port)
        }
        caretaker = Caretaker(
            rhythm: rhythm, look: { disk.look() }, mend: { mending.round(at: .now) })
        announce()
        switchboard.takeUp()
    }

    /// Takes up what an earlier server left, and opens the doors' offices.
    private static func open(
        _ recovery: Recovery, _ settings: Settings, archive: CallArchive, client: HTTPClient,
        floor: any CallFloor, speech: SpeechLine?, log: Log, metrics: MetricsRegistry
    ) throws(ExchangeError) -> TelephoneSwitchboard {
        let passes: PassOffice
        do throws(ArchiveError) {
            try recovery.run()
            passes = try PassOffice(
                archive: archive, milliseconds: settings.switchboard.tokenMilliseconds, log: log)
        } catch {
            throw .archive(error)
        }
        do throws(CryptographyError) {
            return try TelephoneSwitchboard(
                settings: settings.switchboard, archive: archive, client: client, floor: floor,
                passes: passes,
                voices: speech.map { Voices(synthesizer: $0.synthesizer, voice: settings.speech.voice) },
                isDeveloper: { settings.access.admits($0) }, log: log, metrics: metrics)
        } catch {
            throw .key(error)
        }
    }

    private func announce() {
        log(
            .info, "listening",
            ["host": .text(settings.host), "port": .number(Int64(port)), "storage": .text(settings.storage)])
        if settings.carrierAuthIsOff {
            log(
                .warning, "carrier_auth_off",
                [
                    "hint":
                        "anybody who reaches this port can open calls; TEELINE_CARRIER_AUTH=off is for demos and private networks"
                ])
        }
        for readiness in settings.carriers where !readiness.missing.isEmpty {
            log(
                .info, "carrier_closed",
                [
                    "carrier": .text(readiness.carrier.rawValue),
                    "hint": .text("to take its calls set " + readiness.missing.joined(separator: ", ")),
                ])
        }
        if settings.apiTokens.isEmpty {
            log(
                .warning, "api_without_token",
                ["hint": "bound to loopback only; set TEELINE_API_TOKEN to serve others"])
        }
        if settings.agentID.isEmpty {
            log(
                .warning, "no_agent",
                ["hint": "set ELEVENLABS_AGENT_ID; until then calls end as agent_refused"])
        }
    }

    /// Calls at this moment.
    public var liveCalls: Int { office.liveCount }
    /// Recordings that are not final yet.
    public var unfinishedRecordings: Int { line.unfinishedCount }

    /// How long streams may take to say what they are once the server drains, in milliseconds.
    private static let startPatience: Int64 = 2_000

    /// Takes no more calls, lets live ones finish within the drain limit, ends the rest, seals everything, stops.
    /// Returns how many recordings were left for the next start to recover.
    @discardableResult public func drainAndStop() -> Int {
        log(.info, "draining", ["calls": .number(Int64(office.liveCount))])
        office.drain()
        caretaker.stop()
        switchboard.cancelWaitingDials()
        let drain = Int64(settings.drainSeconds) * 1000
        // A stream that is on its way may say what it is; a silent one is no call to wait for.
        let first = min(drain, Self.startPatience)
        var left = office.waitForCalls(milliseconds: first)
        for entry in office.entries {
            entry.session.loop.execute { [session = entry.session] in session.hangUpUnlessStarted(.drained) }
        }
        if left > 0 { left = office.waitForCalls(milliseconds: drain - first) }
        if left > 0 {
            for entry in office.entries {
                entry.session.loop.execute { [session = entry.session] in session.hangUp(.drained) }
            }
            left = office.waitForCalls(milliseconds: 5_000)
        }
        let unsealed = line.drain(milliseconds: 60_000)
        _ = switchboard.drain(milliseconds: 10_000)
        speech?.synthesizer.close()
        server.quiesce()
        // Sockets of ended calls may still be in their close handshake: their loops release them.
        loops.stop()
        server.stop()
        // What was acknowledged while the doors closed is done, too.
        _ = switchboard.drain(milliseconds: 5_000)
        office.switchboard = nil
        line.stop()
        archive.close()
        client.close()
        office.agentDoor.close()
        log(.info, "stopped", ["unsealed": .number(Int64(unsealed))])
        return unsealed
    }
}
