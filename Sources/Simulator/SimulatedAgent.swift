// A server that speaks ElevenLabs' conversation protocol, for many conversations at once.

import Dispatch
import Net
import Telemetry

/// A running simulated agent service.
public final class SimulatedAgent: @unchecked Sendable {
    // `live`, `ended`, `waiters`, `ticker`, `emptied` and counters are touched on the loop's thread only; `server` is set
    // once before any request.

    /// The loop all conversations live on.
    public let loop: EventLoop
    private let ownsLoop: Bool
    private let host: String
    private let behaviours: [String: (settings: SimulatedAgentSettings, sounds: TurnSounds)]
    private let fallback: (settings: SimulatedAgentSettings, sounds: TurnSounds)?
    private let door: AgentDoor
    private var server: HTTPServer?
    private var ticker: Ticker?
    private var live: [AgentConversation] = []
    private var ended: [SimulatedConversation] = []
    private var number: UInt64 = 0
    private var waiters: [Waiter] = []
    private var emptied: DispatchSemaphore?

    private struct Waiter {
        /// How many must have ended; nil for all that live.
        var count: Int?
        var until: Int64
        var resume: @Sendable ([SimulatedConversation]) -> Void
    }

    /// Starts a server where every agent id behaves as `settings`, or as `agents` say for some; with
    /// `settings` nil other ids are unknown (404). It has a loop of its own unless it is to share `loop`.
    ///
    /// - Throws: `NetError.system` and `NetError.cannotListen`.
    public static func start(
        _ settings: SimulatedAgentSettings?, agents: [String: SimulatedAgentSettings] = [:],
        door: AgentDoorSettings = .init(),
        sharing loop: EventLoop? = nil
    ) throws(NetError) -> SimulatedAgent {
        let own: EventLoop = if let loop { loop } else { try EventLoop.start(name: "agent") }
        let box = AgentBox()
        let doorkeeper = AgentDoor(
            door, agents: agents, fallback: settings, seed: settings?.seed ?? 1,
            admit: { socket, id, authorization in
                own.execute {
                    if let agent = box.agent {
                        agent.admit(socket, agent: id, authorization: authorization)
                    } else {
                        socket.release()
                    }
                }
            })
        let agent = SimulatedAgent(
            settings, agents: agents, door: doorkeeper, host: door.host, loop: own, ownsLoop: loop == nil)
        own.execute { box.agent = agent }
        agent.ticker = own.every(milliseconds: 20) { [weak agent] in agent?.serve() }
        do {
            let server = try HTTPServer.start(
                HTTPServerSettings(host: door.host, port: door.port), handler: doorkeeper)
            agent.server = server
            doorkeeper.stand(at: "\(door.host):\(server.port)")
        } catch {
            agent.stop()
            throw error
        }
        return agent
    }

    private init(
        _ settings: SimulatedAgentSettings?, agents: [String: SimulatedAgentSettings], door: AgentDoor,
        host: String,
        loop: EventLoop, ownsLoop: Bool
    ) {
        self.loop = loop
        self.ownsLoop = ownsLoop
        self.host = host
        self.door = door
        behaviours = agents.mapValues { ($0, TurnSounds($0)) }
        fallback = settings.map { ($0, TurnSounds($0)) }
    }

    /// The port it listens on.
    public var port: UInt16 { server?.port ?? 0 }
    /// The base address for REST ("http://127.0.0.1:1234"), what `ELEVENLABS_BASE_URL` is to be.
    public var baseURL: String { "http://\(host):\(port)" }

    /// The records of all conversations: ended ones in the order of their ends, then live ones.
    public func conversations() async -> [SimulatedConversation] {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in continuation.resume(returning: ended + live.map(\.record)) }
        }
    }

    /// Waits until `count` conversations have ended, at most `milliseconds`; returns the ended ones.
    public func ended(_ count: Int, withinMilliseconds milliseconds: Int) async -> [SimulatedConversation] {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                let until = MonotonicTime.now.nanoseconds / 1000 + Int64(milliseconds) * 1000
                waiters.append(Waiter(count: count, until: until) { continuation.resume(returning: $0) })
            }
        }
    }

    /// Waits until no conversation lives, at most `milliseconds`; returns all of them, live ones last.
    public func allEnded(withinMilliseconds milliseconds: Int) async -> [SimulatedConversation] {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                let until = MonotonicTime.now.nanoseconds / 1000 + Int64(milliseconds) * 1000
                waiters.append(Waiter(count: nil, until: until) { continuation.resume(returning: $0) })
            }
        }
    }

    /// Cuts all conversations, waits (two seconds at most) until their sockets are given back, stops listening.
    public func stop() {
        let emptied = DispatchSemaphore(value: 0)
        loop.execute { [self] in
            self.emptied = emptied
            ticker?.cancel()
            for waiter in waiters { waiter.resume(ended) }
            waiters = []
            if live.isEmpty { emptied.signal() }
            for conversation in live { conversation.abort() }
        }
        if !loop.isCurrent { _ = emptied.wait(timeout: .now() + 2) }
        if ownsLoop { loop.stop() }
        door.stop()
        server?.stop()
    }

    /// Takes an upgraded socket, on the loop.
    private func admit(_ socket: UpgradedSocket, agent: String, authorization: String) {
        guard let behaviour = behaviours[agent] ?? fallback else { return socket.release() }
        number += 1
        var generator = SeededGenerator(seed: behaviour.settings.seed &+ number)
        let record = SimulatedConversation(
            conversationID: "conv_" + generator.hexadecimal(digits: 28), agentID: agent,
            authorization: authorization, input: behaviour.settings.input)
        let conversation = AgentConversation(
            behaviour.settings, sounds: behaviour.sounds, record: record, number: number
        ) { [weak self] in self?.forget($0) }
        live.append(conversation)
        _ = WebSocketConnection.accept(socket, on: loop, limits: WebSocketLimits(), handler: conversation)
    }

    private func forget(_ conversation: AgentConversation) {
        ended.append(conversation.record)
        live.removeAll { $0 === conversation }
        if live.isEmpty { emptied?.signal() }
    }

    private func serve() {
        let now = MonotonicTime.now.nanoseconds / 1000
        for conversation in live { conversation.serve(at: now) }
        guard !waiters.isEmpty else { return }
        let isDue = { (waiter: Waiter) in
            now >= waiter.until
                || (waiter.count.map { self.ended.count >= $0 } ?? self.live.isEmpty)
        }
        let due = waiters.filter(isDue)
        waiters.removeAll(where: isDue)
        for waiter in due { waiter.resume(waiter.count == nil ? ended + live.map(\.record) : ended) }
    }
}

/// Lets the door find the agent that is made after it.
private final class AgentBox: @unchecked Sendable {
    // Touched on the loop's thread only.
    weak var agent: SimulatedAgent?
}
