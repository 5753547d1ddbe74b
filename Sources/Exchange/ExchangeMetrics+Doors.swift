// The metrics of the doors: webhooks, refusals, requests of ours.

import Telemetry

extension ExchangeMetrics {
    /// Declares all that the switchboard and text to speech count.
    static func declareDoors(in metrics: MetricsRegistry) {
        let counters = [
            (
                "teeline_doors_refused_total",
                "Webhooks without the proof their door asks for, by door and cause."
            ),
            ("teeline_doors_limited_total", "Requests answered 429 because their source asked too often."),
            ("teeline_incoming_calls_total", "Calls that came to a door, by carrier and outcome."),
            ("teeline_context_lookups_total", "Questions to the context service, by outcome."),
            ("teeline_rest_requests_total", "Requests to REST services, by service and outcome."),
            ("teeline_elevenlabs_webhooks_total", "Post-call webhooks, by type and outcome."),
            ("teeline_telnyx_events_total", "Telnyx's webhooks by kind; duplicates apart."),
            (
                "teeline_carrier_recordings_total",
                "Recordings that carriers made, by carrier and by what became of them."
            ),
            ("teeline_speech_total", "Texts to be spoken, by source and outcome."),
            ("teeline_speech_characters_total", "Characters of texts to be spoken."),
            (
                "teeline_speech_resumptions_total",
                "Requests for the rest of a text whose sound had broken off."
            ),
            ("teeline_conversations_total", "Conversations that were followed after a call, by outcome."),
        ]
        for (name, help) in counters { metrics.declare(name, .counter, help: help) }
        metrics.declare(
            "teeline_speech_first_sound_seconds", .histogram,
            help: "From asking for a text to its first sound.", bounds: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
        metrics.declare(
            "teeline_speech_seconds", .histogram, help: "From asking for a text to its end.",
            bounds: [0.1, 0.5, 1, 2, 5, 10, 30, 60])
        metrics.declare(
            "teeline_context_lookup_seconds", .histogram, help: "How long the context service took.",
            bounds: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
    }
}
