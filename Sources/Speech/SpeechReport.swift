// How speaking a text went, for those who count.

import Agents

/// How speaking one text went. Counts and times only: no text, no voice.
public struct SpeechReport: Sendable, Hashable {
    /// Where the sound came from; the raw value is fit for a metric's label.
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// The service was asked.
        case service
        /// Another's request for the same was under way already.
        case shared
        /// It lay in the cache.
        case cache
    }

    /// Where the sound came from, or would have come from.
    public var source: Source
    /// Whether the default voice spoke because the one asked for was not found.
    public var usedFallbackVoice = false
    /// Requests that were sent to the service.
    public var attempts = 0
    /// Those of them that were for the rest of a sound that had broken off.
    public var resumptions = 0
    /// Characters of the text.
    public var characters: Int
    /// Bytes of sound handed on.
    public var soundBytes = 0
    /// From asking to the first sound; nil when there was none.
    public var firstSoundMilliseconds: Int64?
    /// From asking to the end.
    public var totalMilliseconds: Int64 = 0
}

/// Who wants to know how each text went: metrics.
public protocol SpeechObserver: Sendable {
    /// A text was spoken, or was not because of `failure`. Comes once for each job, on the job's queue, before its
    /// `onEnd`.
    func speechDidEnd(_ report: SpeechReport, failure: SpeechFailure?)
}
