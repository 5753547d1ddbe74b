// The metrics a server exports, declared in one place.

import Telemetry

/// Names and meanings of the server's metrics.
enum ExchangeMetrics {
    /// Metric of each count that a call ends with.
    static let ofCounts: [String: String] = [
        "frames_received": "teeline_frames_received_total", "frames_late": "teeline_frames_late_total",
        "frames_lost": "teeline_frames_lost_total", "frames_duplicate": "teeline_frames_duplicate_total",
        "frames_before_start": "teeline_frames_before_start_total",
        "bytes_in": "teeline_media_bytes_received_total", "bytes_out": "teeline_media_bytes_sent_total",
        "interruptions": "teeline_interruptions_total",
        "bad_carrier_messages": "teeline_bad_carrier_messages_total",
        "bad_payloads": "teeline_bad_payloads_total",
        "bad_agent_messages": "teeline_bad_agent_messages_total",
        "unknown_carrier_events": "teeline_unknown_carrier_events_total",
        "unknown_agent_events": "teeline_unknown_agent_events_total",
        "agent_attempts": "teeline_agent_attempts_total",
    ]

    /// Declares all of them.
    static func declare(in metrics: MetricsRegistry) {
        declareDoors(in: metrics)
        let seconds = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
        metrics.declare(
            "teeline_calls_started_total", .counter, help: "Streams that sent their start, by carrier.")
        metrics.declare(
            "teeline_calls_ended_total", .counter,
            help: "Calls by carrier, whose doing their end was, and why.")
        metrics.declare(
            "teeline_calls_refused_total", .counter, help: "Streams refused before they began, by cause.")
        metrics.declare(
            "teeline_outbound_calls_total", .counter,
            help: "Calls to be placed, by carrier: requested, and what came of the request.")
        metrics.declare("teeline_recordings_total", .counter, help: "Recordings that became final, by state.")
        metrics.declare("teeline_calls_live", .gauge, help: "Calls at this moment.")
        metrics.declare(
            "teeline_recordings_unfinished", .gauge,
            help: "Recordings that are not final: live, rendering, or waiting.")
        metrics.declare("teeline_tape_waiting_bytes", .gauge, help: "Bytes of tape waiting for the disk.")
        metrics.declare(
            "teeline_archive_change_failed_total", .counter,
            help:
                "Changes of calls' rows that the catalog did not take, by change and outcome: retry, given_up."
        )
        metrics.declare(
            "teeline_storage_free_bytes", .gauge, help: "Bytes that may still be written to the storage.")
        metrics.declare(
            "teeline_storage_full", .gauge,
            help: "1 while no further call is taken because the storage has no room or cannot be written.")
        metrics.declare(
            "teeline_seal_seconds", .histogram, help: "From the end of a call to its sealed row.",
            bounds: seconds)
        metrics.declare(
            "teeline_agent_setup_seconds", .histogram, help: "From a stream's start to the agent's metadata.",
            bounds: seconds)
        metrics.declare(
            "teeline_render_cpu_seconds", .histogram, help: "CPU time of rendering one recording.",
            bounds: [0.01, 0.1, 0.5, 1, 5, 30, 120])
        declareDoors(in: metrics)
        for (name, metric) in ofCounts.sorted(by: { $0.key < $1.key }) {
            metrics.declare(
                metric, .counter,
                help: "Sum over ended calls of \(name.split(separator: "_").joined(separator: " ")).")
        }
    }
}
