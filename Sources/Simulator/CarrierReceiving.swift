// What a simulated carrier does with a server's commands.

import Audio
import Carriers

extension SimulatedCarrier {
    func take(_ bytes: UnsafeRawBufferPointer, at time: Int64) {
        let position = position(at: time)
        switch peer.decodeCommand(bytes) {
        case .media:
            if record.firstSound == nil { record.firstSound = time - openedAt }
            record.command(.media(bytes: peer.payload.count), at: position)
            give(back: peer.payload.withUnsafeBytes { playout.receive($0, at: position) })
            findMarkers(at: time)
        case .mark(let name):
            record.command(.mark(name: name), at: position)
            give(back: playout.mark(name, at: position))
        case .clear:
            if let probe = settings.probe { probe.board.cleared(call: probe.call, at: time) }
            let before = playout.counts.samplesCleared
            let marks = playout.clear(at: position)
            record.command(.clear(samples: playout.counts.samplesCleared - before), at: position)
            give(back: marks)
        case .refused:
            record.refused(at: position)
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
}
