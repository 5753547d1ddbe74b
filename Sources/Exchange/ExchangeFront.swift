// temporary
import Archive
import Desk
import Net
import Telemetry

final class ExchangeFront: HTTPHandler {
    let gate: MediaGate
    init(settings: Settings, archive: CallArchive, office: CallOffice, line: RecordingLine, gate: MediaGate, metrics: MetricsRegistry, log: Log) {
        self.gate = gate
    }
    func respond(to request: HTTPRequest) -> HTTPOutcome {
        gate.offer(request) ?? .response(HTTPResponse(status: 404))
    }
}
