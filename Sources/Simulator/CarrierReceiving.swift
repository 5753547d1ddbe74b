// What a simulated carrier does with a server's commands.

import Audio
import Carriers

extension SimulatedCarrier {
    /// Takes one message of the server that arrives at `time`.
    func take(_ bytes: UnsafeRawBufferPointer, isText: Bool = true, at time: Int64) {
        let position = position(at: time)
        switch peer.decodeCommand(bytes, isBinary: !isText) {
        case .media:
            if record.firstSound == nil { record.firstSound = time - openedAt }
            record.command(.media(bytes: peer.payload.count), at: position)
            give(back: peer.payload.withUnsafeBytes { playout.receive($0, at: played(position)) })
            findMarkers(at: time)
        case .mark(let name):
            record.command(.mark(name: name), at: position)
            give(back: playout.mark(name, at: played(position)))
        case .clear:
            if let probe = settings.probe { probe.board.cleared(call: probe.call, at: time) }
            let before = playout.counts.samplesCleared
            let marks = playout.clear(at: played(position))
            record.command(.clear(samples: playout.counts.samplesCleared - before), at: position)
            give(back: marks)
        case .refused(let code):
            record.refused(at: position)
            complain(of: code, at: time)
        }
    }

    func findMarkers(at time: Int64) {
        guard let outboundTable, let probe = settings.probe else { return }
        outboundTable.read(peer.payload, with: &reader) { marker in
            guard marker.kind != .caller else { return }
            let latency = (time - marker.microseconds) & 0xFFFF_FFFF_FFFF
            guard latency < 600_000_000 else { return }
            probe.board.arrivedAtCarrier(
                marker.kind, after: latency, buffers: settings.dialect.carrier != .exotel)
        }
    }

    /// Telnyx tells its error code; the other carriers drop the message without a word.
    private func complain(of code: Int, at time: Int64) {
        guard settings.dialect.carrier == .telnyx else { return }
        message.removeAll(keepingCapacity: true)
        peer.encodeError(
            code: code, title: code == 100004 ? "invalid_media" : "malformed_frame", detail: "simulated",
            into: &message)
        post(message, at: time)
    }
}
