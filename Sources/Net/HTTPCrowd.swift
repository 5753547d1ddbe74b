// Connections that ask for nothing: they may stay while there is room, and go first when there is none.

import Telemetry

/// The connections of a server, and which of them are without a request. Its owner guards it.
///
/// libmicrohttpd can count connections by address only, and behind a proxy all come from one; so time is what idle ones get
/// less of when places run out.
struct HTTPCrowd {
    private struct Idle {
        var descriptor: Int32
        var since: MonotonicTime
    }

    private let places: Int
    private let seconds: Int
    private var open = 0
    private var idle: [OpaquePointer: Idle] = [:]

    /// A crowd of at most `places`, of whom who asks for nothing goes after `seconds` when few are free; 0: nobody does.
    init(places: Int, seconds: Int) {
        self.places = max(places, 1)
        self.seconds = min(max(seconds, 0), 86_400)
    }

    /// Whether more than three quarters of the places are taken.
    private var isCrowded: Bool { seconds > 0 && open > places - places / 4 }

    /// A connection has come.
    mutating func come(_ connection: OpaquePointer, descriptor: Int32, at now: MonotonicTime) {
        open += 1
        rest(connection, descriptor: descriptor, at: now)
    }

    /// It asks for something.
    mutating func ask(_ connection: OpaquePointer) { idle[connection] = nil }

    /// It has been answered.
    mutating func rest(_ connection: OpaquePointer, descriptor: Int32, at now: MonotonicTime) {
        guard seconds > 0, descriptor >= 0 else { return }
        idle[connection] = Idle(descriptor: descriptor, since: now)
    }

    /// It is closed; its descriptor is not touched any more.
    mutating func go(_ connection: OpaquePointer) {
        open -= 1
        idle[connection] = nil
    }

    /// When the first one has to go; nil while all may stay.
    var due: MonotonicTime? {
        isCrowded ? idle.values.map(\.since).min().map(end) : nil
    }

    /// The descriptors of those whose time is over at `now`; they are forgotten.
    mutating func takeOverdue(at now: MonotonicTime) -> [Int32] {
        guard isCrowded else { return [] }
        let late = idle.filter { end($0.value.since) <= now }
        for connection in late.keys { idle[connection] = nil }
        return late.values.map(\.descriptor)
    }

    private func end(_ since: MonotonicTime) -> MonotonicTime {
        since.adding(milliseconds: Int64(seconds) * 1000)
    }
}
