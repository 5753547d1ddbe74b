// The demo's terminal: lines as things happen, and one line that lives below them.

import Archive
import Glibc
import Telemetry

/// Shows a call while it runs, from its tape.
struct DemoScreen: Sendable {
    private let layout: StorageLayout
    private let catalog: Catalog

    init(storage: StorageLayout, catalog: Catalog) {
        layout = storage
        self.catalog = catalog
    }

    /// Shows the call that begins now until its tape is closed, half a minute at most, or a signal comes.
    func watch(until signals: StopSignals) async {
        let began = MonotonicTime.now
        let since = ArchiveTime.now()
        var story = DemoStory()
        var follower: TapeFollower?
        while !story.isOver, !signals.hasCome, MonotonicTime.now.milliseconds(since: began) < 30_000 {
            if follower == nil { follower = open(since: since) }
            for record in follower?.records() ?? [] {
                for line in story.take(record) { tell(line) }
            }
            showNow(story, isConnected: follower != nil)
            do {
                try await Task.sleep(for: .milliseconds(80))
            } catch {
                break
            }
        }
        clearNow()
        let end = TextTable.time(story.milliseconds)
        if story.isOver {
            Console.print("  \(stamp(story.milliseconds))  the call is over after \(end); its tape is closed")
        }
    }

    /// The tape of the call that began after `since`.
    private func open(since: Int64) -> TapeFollower? {
        do throws(ArchiveError) {
            guard let call = try catalog.unfinished().last(where: { $0.call.startedAt >= since }) else {
                return nil
            }
            return TapeFollower(path: layout.absolute(try layout.tape(call.call.id)))
        } catch {
            // Asked again in a moment; a catalog that cannot be read at all ends the demo with its own error.
            return nil
        }
    }

    private func stamp(_ milliseconds: Int64) -> String {
        let text = TextTable.time(milliseconds)
        return String(repeating: " ", count: max(0, 7 - text.count)) + text
    }

    private func tell(_ line: DemoStory.Line) {
        clearNow()
        let who = TextTable.padded(line.who, 6)
        let shown = ShownText.of(line.text)
        let text = line.isBargeIn ? Console.coloured(shown, 33) : shown
        let pieces = TextTable.wrapped(text, width: 78)
        Console.print(styled: "  \(stamp(line.milliseconds))  \(who)  \(pieces[0])")
        for piece in pieces.dropFirst() { Console.print(styled: String(repeating: " ", count: 19) + piece) }
    }

    /// The living line, on a terminal only.
    private func showNow(_ story: DemoStory, isConnected: Bool) {
        guard Console.isTerminal else { return }
        guard isConnected else { return Console.put("\r\u{1B}[K  connecting …") }
        let caller = Self.bar(story.callerSpeaks ? story.callerLevel : 0)
        let agent = Self.bar(story.agentLevel)
        let who =
            switch (story.callerSpeaks, story.agentSpeaks) {
            case (true, true): "both talk"
            case (true, false): "the caller talks"
            case (false, true): "the agent talks"
            case (false, false): "silence"
            }
        Console.put(
            "\r\u{1B}[K  \(Console.coloured("●", 31)) \(stamp(story.milliseconds))   caller \(caller)  agent \(agent)  \(who)"
        )
    }

    private func clearNow() {
        if Console.isTerminal { Console.put("\r\u{1B}[K") }
    }

    /// Loudness (mean magnitude) as eight cells, three decibels or so each.
    static func bar(_ level: Int) -> String {
        var cells = 0
        var bound = 120
        while cells < 8, level >= bound {
            cells += 1
            bound = bound * 8 / 5
        }
        return String(repeating: "▮", count: cells) + String(repeating: "▯", count: 8 - cells)
    }
}
