// What goes wrong at a simulated agent, at its time.

import Agents

extension AgentConversation {
    private static let fault = AgentError(code: 1011, type: "unknown", message: "simulated fault")

    func strike(at now: Int64) {
        guard !settings.faults.isEmpty else { return }
        for (number, fault) in settings.faults.enumerated() {
            guard let time = fault.time, now - openedAt >= Int64(time) * 1000, struck.insert(number).inserted
            else { continue }
            switch fault {
            case .close(_, let code, let reason): close(code: code, reason: reason)
            case .reset:
                record.closedByAgent = true
                socket?.abort()
            case .flatError: send { peer.encodeError(Self.fault, shape: .flat, into: &$0) }
            case .clientError: send { peer.encodeError(Self.fault, shape: .client, into: &$0) }
            case .unknownEvent:
                socket?.send(text: Array("{\"new_event\":{\"a\":[1]},\"type\":\"new_event\"}".utf8))
            case .emptyAudio:
                chunk.removeAll(keepingCapacity: true)
                sendAudio(eventID: max(eventID, 1))
            case .notJSON: socket?.send(text: Array("{\"type\":\"aud".utf8))
            default: continue
            }
            if phase == .leaving || phase == .over { return }
        }
    }
}
