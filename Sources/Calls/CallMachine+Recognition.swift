// What a call does on a stream of which nobody knows yet whose it is.

import Carriers
import Telemetry

extension CallMachine {
    /// A text message of a stream whose carrier is not known. With its start it is, and everything said before is read in
    /// that carrier's dialect, in order, as if it had come now; what is neither is bounded as on every stream.
    mutating func recognise(
        _ bytes: UnsafeRawBufferPointer, at now: MonotonicTime, _ actions: inout some CallActions
    ) {
        guard var recognition else { return }
        self.recognition = nil
        let finding: CarrierRecognition.Finding
        do throws(CarrierMessageError) {
            finding = try recognition.take(bytes)
        } catch {
            self.recognition = recognition
            isBad(error, at: now, &actions)
            return
        }
        badInARow = 0
        switch finding {
        case .nothing:
            if let carrier = recognition.greeted { lifecycle.expect([carrier]) }
            self.recognition = recognition
        case .stop:
            self.recognition = recognition
            finish(CallEnd(.carrier, .noStart), sawEnd: true, at: now, &actions)
        case .start(let carrier):
            carrierCodec = carrierCodec.speaking(carrier)
            if recognition.candidates.contains(carrier) { lifecycle.expect([carrier]) }
            recognition.forEach { message in
                if phase == .awaitingStart { read(message, at: now, &actions) }
            }
            if phase == .awaitingStart { read(bytes, at: now, &actions) }
        }
    }

    /// What came on a stream that nobody recognised counts as it does on every stream without a start.
    mutating func countUnrecognised() {
        guard let recognition else { return }
        counters.framesBeforeStart += recognition.mediaMessages
        counters.unknownCarrierEvents += recognition.unknownMessages
    }
}
