// The server's settings, checked.

import Audio
import Calls
import Carriers
import Foundation
import Net
import Recording
import Signalling
import Switchboard
import Telemetry

/// Settings of a server, made from text values and checked together.
public struct Settings: Sendable {
    /// Address to bind.
    public var host: String
    /// Port to bind.
    public var port: UInt16
    /// Threads that answer HTTP.
    public var httpThreads: Int
    /// Media loops.
    public var loops: Int
    /// How long live calls may finish on SIGTERM, in seconds.
    public var drainSeconds: Int
    /// Bearer tokens of the API.
    public var apiTokens: [String]
    /// Whether media sockets are taken without authentication.
    public var carrierAuthIsOff: Bool
    /// Least level of log lines.
    public var logLevel: LogLevel
    /// Folder of the archive.
    public var storage: String
    /// Free bytes of the storage's disk below which no further call is taken.
    public var leastFreeBytes: Int64
    /// The agent.
    public var agentID: String
    /// Key for private agents.
    public var agentKey: String?
    /// Base of the agent's addresses.
    public var agentBaseURL: String
    /// What Telnyx wants from us.
    public var telnyxOutbound: AudioFormat { switchboard.telnyx.stream.outbound }
    /// The order of bytes in the L16 that Telnyx sends.
    public var telnyxLinear: AudioCodec { switchboard.telnyx.stream.linear }
    /// What recordings are made like.
    public var render: RenderSettings
    /// Whether MP3s are made while calls run.
    public var rendersLive: Bool
    /// Encoder threads.
    public var encoderThreads: Int
    /// Whether tapes stay.
    public var keepsOriginals: Bool
    /// Bounds of tape writing.
    public var tapes: TapeWriterSettings
    /// How often records go to the tape, in milliseconds.
    public var batchMilliseconds: Int64
    /// Calls at once.
    public var maxCalls: Int
    /// Largest message after `start`, in bytes.
    public var messageBytes: Int
    /// Largest HTTP header and body, in bytes.
    public var headerBytes: Int
    /// Largest HTTP body, in bytes.
    public var bodyBytes: Int
    /// Most bytes waiting for one peer.
    public var sendBytes: Int
    /// Limits of a call.
    public var rules: CallRules
    /// The doors to the telephone world.
    public var switchboard: SwitchboardSettings
    /// Text to speech.
    public var speech: SpeechChoice
    /// Calls at once from one number; 0: no limit.
    public var callsPerCaller: Int
    /// Calls at once to one number; 0: no limit.
    public var callsPerCalled: Int

    /// What may be a mistake and hinders nothing: one sentence each, without any value.
    public var warnings: [String] = []

    /// Settings from `values` by key name; the rest has its standard.
    /// - Throws: `SettingsError` with `problems` and everything found wrong here.
    public init(values: [String: String] = [:], problems known: [String] = []) throws(SettingsError) {
        var problems = known
        var checked: [String: String] = [:]
        for key in SettingKey.all {
            let value = values[key.name] ?? key.standard
            let problem = Self.problem(of: value, for: key)
            if let problem { problems.append(problem) }
            // What is refused is not calculated with: a number beyond all bounds would end the program in an overflow.
            checked[key.name] = problem == nil ? value : key.standard
        }
        let values = SettingValues(values: checked)
        func text(_ name: String) -> String { values.text(name) }
        func number(_ name: String) -> Int64 { values.number(name) }
        func count(_ name: String) -> Int { values.count(name) }
        func flag(_ name: String) -> Bool { values.flag(name) }
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)

        apiTokens = values.list("server.api_token")
        switchboard = SwitchboardSettings(values, problems: &problems)
        speech = SpeechChoice(values)
        callsPerCaller = count("doors.calls_per_caller")
        callsPerCalled = count("doors.calls_per_called")
        host = Self.host(text("server.host"), isOpen: !apiTokens.isEmpty, &problems)
        port = UInt16(clamping: number("server.port"))
        httpThreads = count("server.threads")
        loops = count("server.loops") == 0 ? cores : count("server.loops")
        drainSeconds = count("server.drain_seconds")
        carrierAuthIsOff = text("server.carrier_auth") == "off"
        logLevel = LogLevel(name: text("log.level")) ?? .info
        storage = text("storage.path")
        leastFreeBytes = number("storage.least_free_mb") << 20
        agentID = text("agent.id")
        agentKey = text("agent.api_key").isEmpty ? nil : text("agent.api_key")
        agentBaseURL = text("agent.base_url")
        render = RenderSettings(
            channels: text("recording.channels") == "mixed" ? .mixed : .dual,
            narrowbandKilobits: count("recording.narrowband_kbps"),
            widebandKilobits: count("recording.wideband_kbps"), quality: count("recording.quality"))
        rendersLive = flag("recording.live")
        encoderThreads = count("recording.encoder_threads") == 0 ? cores : count("recording.encoder_threads")
        keepsOriginals = flag("recording.keep_originals")
        tapes = TapeWriterSettings()
        tapes.syncMilliseconds = number("recording.sync_ms")
        tapes.largestTape = number("recording.max_tape_mb") << 20
        tapes.queueBytes = count("recording.queue_mb") << 20
        batchMilliseconds = number("recording.batch_ms")
        maxCalls = count("limits.calls")
        messageBytes = count("limits.message_kb") << 10
        headerBytes = count("limits.header_kb") << 10
        bodyBytes = count("limits.body_kb") << 10
        sendBytes = count("limits.send_kb") << 10
        rules = CallRules()
        rules.startMilliseconds = number("limits.start_seconds") * 1000
        rules.telnyxStartMilliseconds = max(90_000, rules.startMilliseconds)
        rules.bytesBeforeStart = count("limits.start_kb") << 10
        rules.idleMilliseconds = number("limits.idle_seconds") * 1000
        rules.maxMilliseconds = number("limits.call_minutes") * 60_000
        rules.agentAttempts = count("agent.attempts")
        rules.agentRetryMilliseconds = number("agent.retry_ms")
        rules.agentOpenMilliseconds = number("agent.open_seconds") * 1000
        rules.backlogMilliseconds = number("limits.backlog_seconds") * 1000
        rules.expectedAgentOutput = Self.agentFormat(text("agent.output_format"))
        rules.tellsAgentKeys = flag("agent.tell_keys")
        problems += combinations()
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
    }

    /// Whether the bound address is reachable from this machine only.
    public var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }

    /// The address to bind. Names are not looked up but for the one that needs no name server (RFC 6761 §6.3).
    private static func host(_ text: String, isOpen: Bool, _ problems: inout [String]) -> String {
        if text.isEmpty { return isOpen ? "0.0.0.0" : "127.0.0.1" }
        if text.lowercased() == "localhost" { return "127.0.0.1" }
        if HTTPServerSettings.isAddress(text) { return text }
        problems.append(
            "HOST must be an address of this machine like 127.0.0.1, 0.0.0.0 (all) or ::1, or localhost; no other name"
        )
        return "127.0.0.1"
    }

    /// What is wrong only together.
    private func combinations() -> [String] {
        var problems: [String] = []
        if apiTokens.isEmpty, !isLoopback {
            problems.append(
                "HOST is reachable from outside but TEELINE_API_TOKEN is empty: set a token, or bind to 127.0.0.1"
            )
        }
        if apiTokens.contains(where: { $0.utf8.count < 8 }) {
            problems.append(
                "TEELINE_API_TOKEN holds a token shorter than 8 characters: make one with `openssl rand -hex 32`"
            )
        }
        for rate in [8_000, 16_000, 24_000] {
            do throws(MP3SettingsError) {
                try render.mp3(rate: rate).validate()
            } catch {
                let name =
                    rate == 8_000
                    ? "TEELINE_NARROWBAND_KBPS (recording.narrowband_kbps)"
                    : "TEELINE_WIDEBAND_KBPS (recording.wideband_kbps)"
                problems.append("\(name) cannot be used at \(rate) Hz: \(error)")
            }
        }
        let bases = [
            ("ELEVENLABS_BASE_URL", agentBaseURL), ("TWILIO_BASE_URL", switchboard.twilio.baseURL),
            ("TELNYX_BASE_URL", switchboard.telnyx.baseURL), ("EXOTEL_BASE_URL", switchboard.exotel.baseURL),
        ]
        for (variable, base) in bases where PublicURL(base) == nil {
            problems.append(
                "\(variable) must be an address like https://api.example.com, with a host, a port of 1 to 65535 if any, and without query"
            )
        }
        return problems
    }

    /// The audio format of ElevenLabs' name for it ("pcm_16000"); nil for none.
    private static func agentFormat(_ name: String) -> AudioFormat? {
        if name == "ulaw_8000" { return .pcmu8k }
        guard name.hasPrefix("pcm_"), let rate = Int(name.dropFirst(4)) else { return nil }
        return AudioFormat(.pcm16, rate: rate)
    }

    private static func problem(of value: String, for key: SettingKey) -> String? {
        switch key.kind {
        case .text, .secret: return nil
        case .choice(let choices):
            if choices.contains(value) { return nil }
            return "\(key.variable) (\(key.name)) must be one of \(choices.joined(separator: ", "))"
        case .integer(let bounds):
            if let number = Int64(value), bounds.contains(number) { return nil }
            return
                "\(key.variable) (\(key.name)) must be a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
        case .decimal(let bounds):
            if let number = Double(value), bounds.contains(number) { return nil }
            return
                "\(key.variable) (\(key.name)) must be a number from \(bounds.lowerBound) to \(bounds.upperBound)"
        case .flag:
            if ["true", "false", "1", "0"].contains(value.lowercased()) { return nil }
            return "\(key.variable) (\(key.name)) must be true or false"
        }
    }
}
