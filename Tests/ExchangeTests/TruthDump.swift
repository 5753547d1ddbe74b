// scratch
import Exchange
import Foundation
import Simulator
import Tape
@testable import Timeline
import Telemetry

enum TruthDump {
    static func dump(
        _ result: SimulatedCallResult, _ sound: StereoSound, tape: String, _ f: TruthFindings,
        settings: SimulatedCallSettings?
    ) {
        let judge = TruthJudge(result: result.truth, sound: sound)
        let ms = Double(result.rate) / 1000
        func t(_ p: Int64) -> String { String(format: "%.1f", Double(p) / ms) }
        print(
            "=== \(result.carrier) \(result.streamID) unheard \(f.unheard) missing \(f.missing) starts \(f.starts) late \(result.counts.worstLateness)"
        )
        if let s = settings {
            print(
                "out \(s.faults.outgoing) in \(s.faults.incoming) returns \(s.clearReturnsMarks) loss \(s.faults.loss) skip \(s.faults.skipped)"
            )
        }
        print(
            "truth",
            judge.stretches(of: result.heard).map { "\(t(Int64($0.lowerBound)))-\(t(Int64($0.upperBound)))" })
        print(
            "file ",
            judge.stretches(of: sound.right).map { "\(t(Int64($0.lowerBound)))-\(t(Int64($0.upperBound)))" })
        var cmds = result.commands.makeIterator()
        var marksByName: [String: ReturnedMark] = [:]
        for m in result.marks { marksByName[m.name] = m }
        guard let data = FileManager.default.contents(atPath: tape) else { return }
        var parser = TapeParser()
        data.withUnsafeBytes { parser.feed($0) }
        var clock = CallClock(rate: result.rate)
        var seg = 0
        var msg = 0
        while let r = parser.next() {
            let now = clock.position(at: r.time).samples
            switch r.kind {
            case .header: clock.anchor(at: r.time)
            case .callerMedia:
                clock.observe(
                    end: MediaTime(
                        samples: r.position + Int64(r.payload.count / (result.carrier == .exotel ? 2 : 1))),
                    arrival: r.time)
            case .agentMedia:
                let c = cmds.next()
                let s = result.segments.first { $0.message == msg }
                msg += 1
                print(
                    "  \(t(now)) media turn \(r.turn ?? 0) \(r.body.count) B; arrived \(c.map { t($0.position) } ?? "-") heard \(s.map { "\(t($0.position))+\(t($0.count))" } ?? "never")"
                )
            case .markSent:
                let c = cmds.next()
                print("  \(t(now)) mark \(r.text) arrived \(c.map { t($0.position) } ?? "-")")
            case .markReturned:
                let m = marksByName[r.text]
                print(
                    "  \(t(now)) BACK \(r.text) truly \(m.map { t($0.position) + ($0.cleared ? " cleared" : "") } ?? "-")"
                )
            case .clear:
                let c = cmds.next()
                print("  \(t(now)) CLEAR arrived \(c.map { t($0.position) } ?? "-")")
            default: break
            }
            _ = seg
            seg = 0
        }
    }

    static func dump(_ call: ClockedCall, _ judge: TruthJudge, _ f: TruthFindings) {
        let ms = Double(call.carrier.rate) / 1000
        func t(_ p: Int64) -> String { String(format: "%.1f", Double(p) / ms) }
        print(
            "=== \(call.carrier.name) unheard \(f.unheard) missing \(f.missing) starts \(f.starts) returns \(call.clearReturnsMarks) net \(call.network)"
        )
        print(
            "truth",
            judge.stretches(of: call.truth.heard).map {
                "\(t(Int64($0.lowerBound)))-\(t(Int64($0.upperBound)))"
            })
        print(
            "file ",
            judge.stretches(of: judge.sound.right).map {
                "\(t(Int64($0.lowerBound)))-\(t(Int64($0.upperBound)))"
            })
        var parser = TapeParser()
        TapeLayout.magic.withUnsafeBytes { parser.feed($0) }
        call.tape.withUnsafeBytes { parser.feed($0) }
        var clock = CallClock(rate: call.carrier.rate)
        var events = call.events.makeIterator()
        while let r = parser.next() {
            let now = clock.position(at: r.time).samples
            switch r.kind {
            case .header: clock.anchor(at: r.time)
            case .callerMedia:
                clock.observe(
                    end: MediaTime(
                        samples: r.position
                            + Int64(r.payload.count / (call.carrier.dialect.inbound.bytesPerSample))),
                    arrival: r.time)
            case .agentMedia:
                print(
                    "  \(t(now)) media turn \(r.turn ?? 0) \(r.body.count) B; arrived \(events.next() ?? "-")"
                )
            case .markSent: print("  \(t(now)) mark \(r.text)")
            case .markReturned: print("  \(t(now)) BACK \(r.text)")
            case .clear: print("  \(t(now)) CLEAR arrived \(events.next() ?? "-")")
            default: break
            }
        }
    }
}
