// A bridge small enough for a test: it plays a given sound, keeps what it hears, and passes calls to an agent.

import Agents
import Audio
import Carriers
import Net
import Patience
import Telemetry

@testable import Simulator

/// What the bridge does with a call.
enum BridgePlan: Sendable {
    /// Plays these pieces at `start`, each followed by a mark; clears when the key `*` comes; closes at the key `#`.
    case play([[UInt8]])
    /// Sends these messages at `start` as they stand, and the mark `sent` behind them: when it is back, all
    /// were taken.
    case send([String])
    /// Passes everything to the agent at this address.
    case agent(url: String)
}

/// What one call at the bridge amounted to.
struct BridgeRecord: Sendable {
    var start: StreamStart?
    var sound: [UInt8] = []
    var stamps: [MediaStamp] = []
    var marks: [String] = []
    var keys: [Character] = []
    var mediaBeforeStart = 0
    var stopped = false
    var complaints: [Int] = []
    var errors = 0
    var closeCode: UInt16?
}

/// The server: the path names the carrier ("/twilio").
final class SmallBridge: HTTPHandler, @unchecked Sendable {
    // `sessions` is touched on the loop only; `server` is set before any request.
    let loop: EventLoop
    let plan: BridgePlan
    private var server: HTTPServer?
    fileprivate var sessions: [BridgeSession] = []

    static func start(_ plan: BridgePlan) throws -> SmallBridge {
        let bridge = SmallBridge(loop: try EventLoop.start(name: "bridge"), plan: plan)
        bridge.server = try HTTPServer.start(HTTPServerSettings(port: 0), handler: bridge)
        return bridge
    }

    private init(loop: EventLoop, plan: BridgePlan) {
        self.loop = loop
        self.plan = plan
    }

    func url(_ dialect: CarrierDialect) -> String {
        "ws://127.0.0.1:\(server?.port ?? 0)/\(dialect.carrier.rawValue)"
    }

    func respond(to request: HTTPRequest) -> HTTPOutcome {
        guard let carrier = Carrier(rawValue: String(request.path.dropFirst())) else {
            return .response(HTTPResponse(status: 404))
        }
        return .upgrade { [self] socket in
            loop.execute { [self] in
                let session = BridgeSession(CarrierCodec(carrier: carrier), plan: plan, loop: loop)
                sessions.append(session)
                _ = WebSocketConnection.accept(
                    socket, on: loop, limits: WebSocketLimits(), handler: session)
            }
        }
    }

    /// The records of all calls so far.
    func records() async -> [BridgeRecord] {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in continuation.resume(returning: sessions.map(\.record)) }
        }
    }

    /// Waits until the first call is closed, at most twenty seconds, and returns its record.
    func record() async throws -> BridgeRecord? {
        var closed: BridgeRecord?
        _ = try await eventually {
            guard let first = await records().first, first.closeCode != nil else { return false }
            closed = first
            return true
        }
        return closed
    }

    /// Waits until the first call's record `isEnough`, at most twenty seconds; whether it came to that.
    func comes(to isEnough: (BridgeRecord) -> Bool) async throws -> Bool {
        try await eventually {
            guard let record = await records().first else { return false }
            return isEnough(record)
        }
    }

    func stop() {
        server?.quiesce()
        loop.execute { [self] in for session in sessions { session.cut() } }
        loop.stop()
        server?.stop()
    }
}

/// One call at the bridge.
private final class BridgeSession: WebSocketHandler, @unchecked Sendable {
    // Touched on the loop only.
    private var codec: CarrierCodec
    private let plan: BridgePlan
    private let loop: EventLoop
    var record = BridgeRecord()
    private var socket: WebSocketConnection?
    private var leg: AgentClient?
    /// The caller's frames, and whether his end came, before the agent was ready.
    private var early: [[UInt8]] = []
    private var endsEarly = false
    private var message: [UInt8] = []

    init(_ codec: CarrierCodec, plan: BridgePlan, loop: EventLoop) {
        self.codec = codec
        self.plan = plan
        self.loop = loop
    }

    func cut() {
        socket?.abort()
        leg?.socket?.abort()
    }

    func webSocketDidOpen(_ socket: WebSocketConnection) { self.socket = socket }

    func webSocket(_ socket: WebSocketConnection, didReceive bytes: UnsafeRawBufferPointer, isText: Bool) {
        self.socket = socket
        do throws(CarrierMessageError) { take(try codec.decode(bytes)) } catch { record.errors += 1 }
    }

    private func take(_ event: CarrierEvent) {
        switch event {
        case .start(let start):
            record.start = start
            begin()
        case .media(let stamp):
            if record.start == nil { record.mediaBeforeStart += 1 }
            record.stamps.append(stamp)
            if let leg {
                if leg.isReady { leg.speak(codec.payload) } else { early.append(codec.payload) }
            } else {
                record.sound.append(contentsOf: codec.payload)
            }
        case .mark(let name): record.marks.append(name)
        case .dtmf(let digit, _):
            record.keys.append(digit)
            if digit == "*" { send { codec.encodeClear(into: &$0) } }
            if digit == "#" { socket?.close(code: 1000) }
        case .stop:
            record.stopped = true
            endLeg()
        case .error(let code, _): record.complaints.append(code)
        case .connected, .clear, .unknown: break
        }
    }

    private func begin() {
        switch plan {
        case .play(let pieces):
            for (number, piece) in pieces.enumerated() {
                play(piece)
                send { codec.encodeMark("m\(number)", into: &$0) }
            }
        case .send(let messages):
            for text in messages { socket?.send(text: Array(text.utf8)) }
            send { codec.encodeMark("sent", into: &$0) }
        case .agent(let url):
            let leg = AgentClient { [weak self] event, payload in self?.hear(event, payload) }
            self.leg = leg
            leg.socket = WebSocketConnection.connect(
                to: url, on: loop, limits: WebSocketLimits(), handler: leg)
        }
    }

    private func hear(_ event: AgentEvent?, _ payload: [UInt8]) {
        switch event {
        case .metadata:
            for frame in early { leg?.speak(frame) }
            early = []
            if endsEarly { endLeg() }
        case .audio: play(payload)
        case .interruption:
            send { codec.encodeClear(into: &$0) }
            socket?.flush()
        case nil: socket?.close(code: 1000)
        default: break
        }
    }

    /// Ends the agent's conversation, which has begun by then.
    private func endLeg() {
        guard let leg else { return }
        if leg.isReady { leg.socket?.close(code: 1000) } else { endsEarly = true }
    }

    private func play(_ sound: [UInt8]) {
        message.removeAll(keepingCapacity: true)
        sound.withUnsafeBytes { codec.encodeMedia($0, into: &message) }
        socket?.send(text: message)
    }

    private func send(_ write: (inout [UInt8]) -> Void) {
        message.removeAll(keepingCapacity: true)
        write(&message)
        socket?.send(text: message)
    }

    func webSocketDidClose(_ socket: WebSocketConnection, code: UInt16, reason: String, error: NetError?) {
        record.closeCode = code
        self.socket = nil
        endLeg()
    }
}
