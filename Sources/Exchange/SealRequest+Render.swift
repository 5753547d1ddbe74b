// A rendering as the archive wants it.

import Archive
import Calls
import Foundation
import Recording
import Routing

extension SealRequest {
    /// The request that makes `render` final. `recovery` says why it had to be recovered, `dropped` what of
    /// the tape never reached the disk, `ending` how the call ended, when that is known from elsewhere than the tape.
    init(
        render: RenderResult, dropped: TapeOutcome?, recovery: String?, ending: CallEnding?,
        settings: RenderSettings
    ) {
        let call = render.call
        let rate = Int64(max(call.header.rate, 1))
        func milliseconds(_ samples: Int64?) -> Int64? { samples.map { $0 * 1000 / rate } }
        let mp3 = settings.mp3(rate: call.header.rate)
        var cause = recovery
        var missing = call.missing.map {
            MissingInterval(start: $0.interval.start, length: $0.interval.length, cause: $0.cause)
        }
        if let dropped, dropped.dropped > 0 {
            cause = cause ?? dropped.failure?.token ?? "tape_queue_full"
        }
        var end = ending ?? Self.ending(of: call)
        end.conversationID = end.conversationID ?? call.conversationID
        if let cause, call.closing == nil {
            // The tape breaks off: up to the call's end its sound is missing. When nobody knows the end the interval is open.
            let length = ending.map { max(0, $0.durationSamples - call.samples) }
            if length != 0 {
                missing.append(MissingInterval(start: call.samples, length: length ?? 0, cause: cause))
            }
            end.durationSamples = max(end.durationSamples, call.samples)
        } else {
            // A whole tape knows the length to the sample: the frames that came last, and a quiet end, too.
            end.durationSamples = call.samples
        }
        self.init(
            file: render.mp3.map { summary in
                SealedFile(
                    bytes: summary.bytes, samples: call.samples, rate: call.header.rate,
                    channels: settings.channels == .mixed ? .mixed : .dual, bitrate: mp3.kilobits * 1000,
                    quality: settings.quality)
            },
            recoveryCause: cause, missing: missing, ending: end,
            turns: call.turns.map { turn in
                TurnRow(
                    role: turn.role == .caller ? .caller : .agent, text: turn.text, heardText: turn.heardText,
                    correctedText: turn.correctedText, startSamples: turn.start, endSamples: turn.end,
                    generatedMilliseconds: milliseconds(turn.generated),
                    sentMilliseconds: milliseconds(turn.sent),
                    heardMilliseconds: milliseconds(turn.heard), eventID: turn.eventID,
                    interrupted: turn.isInterrupted)
            },
            events: call.events.map {
                EventRow(kind: $0.kind, position: $0.position, length: $0.length, detail: Self.detail($0))
            },
            metrics: Self.metrics(call),
            origin: call.header.mode == CallMode.voicemail.rawValue ? .voicemail : .bridge)
    }

    /// The end of a call whose server did not live to write it.
    private static func ending(of call: RenderedCall) -> CallEnding {
        let length = call.samples * 1_000_000 / Int64(max(call.header.rate, 1))
        let who = call.closing.flatMap { EndParty(rawValue: $0.who) } ?? .server
        return CallEnding(
            endedAt: call.header.startedAt + length, durationSamples: call.samples, who: who,
            why: call.closing?.why ?? CallEndReason.crashed.rawValue)
    }

    private static func detail(_ event: RenderedEvent) -> String {
        guard !event.detail.isEmpty else { return "{}" }
        let name =
            switch event.kind {
            case "dtmf": "digit"
            case "gap": "cause"
            default: "text"
            }
        return object([name: event.detail])
    }

    private static func metrics(_ call: RenderedCall) -> MetricsRow {
        var row = MetricsRow()
        let counts = call.closing?.counts ?? [:]
        row.setupMilliseconds = counts["setup_ms"].flatMap { $0 < 0 ? nil : $0 }
        row.firstAudioMilliseconds = counts["first_audio_ms"].flatMap { $0 < 0 ? nil : $0 }
        row.framesReceived = counts["frames_received"] ?? 0
        row.framesLate = counts["frames_late"] ?? 0
        row.framesLost = counts["frames_lost"] ?? 0
        row.framesDuplicate = counts["frames_duplicate"] ?? 0
        row.framesSent = counts["frames_sent"] ?? 0
        row.bytesIn = counts["bytes_in"] ?? 0
        row.bytesOut = counts["bytes_out"] ?? 0
        row.interruptions = counts["interruptions"] ?? 0
        row.unknownEvents = (counts["unknown_carrier_events"] ?? 0) + (counts["unknown_agent_events"] ?? 0)
        var more = counts
        more["caller_samples"] = call.callerSamples
        more["agent_samples"] = call.agentSamples
        more["tape_bytes"] = call.tapeBytes
        more["torn_bytes"] = call.tornBytes
        row.more = object(more)
        return row
    }

    /// A JSON object with sorted keys.
    static func object(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            // Strings and whole numbers always encode.
            return "{}"
        }
    }
}
