// `teeline reconcile`: is the archive complete, as ElevenLabs counts?

import Agents
import Archive
import Net

/// Compares the archive with ElevenLabs' list. Changes neither.
struct ReconcileCommand {
    /// Seconds by which lengths may differ unless the command line says otherwise. ElevenLabs counts whole seconds of the
    /// conversation; a call is longer by ringing, waiting for the agent, and playing its last words.
    static let standardTolerance = 10
    /// How much is compared without --from, in microseconds: a day.
    static let standardWindow: Int64 = 86_400_000_000

    let window: ArchiveComparison.Window
    let tolerance: Int
    private let arguments: ParsedArguments
    private let storage: String
    private let base: String
    private let key: String
    /// How the list is read; tests are less patient.
    var pages = ConversationLister.pages
    var pauseMilliseconds: Int64 = 500

    init(
        _ arguments: ParsedArguments, environment: ServerEnvironment? = nil, now: Int64 = ArchiveTime.now()
    ) throws(CommandFailure) {
        self.arguments = arguments
        let to = try Self.instant("--to", arguments) ?? now
        let (day, isTooEarly) = to.subtractingReportingOverflow(Self.standardWindow)
        let from = try Self.instant("--from", arguments) ?? (isTooEarly ? to : day)
        guard from < to else {
            throw CommandFailure(.usage, "--from must be before --to (which is now unless given)")
        }
        window = ArchiveComparison.Window(from: from, to: to, agentID: arguments.values["--agent"])
        tolerance = arguments.integer("--tolerance") ?? Self.standardTolerance
        let settings = try (environment ?? ServerEnvironment(arguments)).settings()
        guard let key = settings.agentKey else {
            throw CommandFailure(
                .configuration,
                "ELEVENLABS_API_KEY is not set: ElevenLabs lists conversations to its owner only")
        }
        self.key = key
        base = settings.agentBaseURL
        storage = arguments.values["--storage"] ?? settings.storage
    }

    private static func instant(_ option: String, _ arguments: ParsedArguments) throws(CommandFailure)
        -> Int64?
    {
        guard let text = arguments.values[option] else { return nil }
        guard let instant = ArchiveTime.parse(text) else {
            throw CommandFailure(.usage, "\(option) cannot be read: a time is 2026-11-21T10:00:00Z, or a day")
        }
        return instant
    }

    func run() async throws(CommandFailure) -> ExitCode {
        let comparison = try await compare()
        let text = ReconcileText(comparison, window: window, tolerance: tolerance)
        if arguments.flags.contains("--json") {
            Console.print(json: text.json)
        } else {
            for line in text.lines { Console.print(line) }
        }
        return comparison.agrees ? .success : .differs
    }

    /// Asks both. The list first: what a call that begins meanwhile carries is in the archive, whose answer comes later.
    func compare() async throws(CommandFailure) -> ArchiveComparison {
        let catalog = Catalog(StorageLayout(root: storage), readers: 1)
        defer { catalog.close() }
        // Without an archive there is nothing to ask ElevenLabs for.
        _ = try CommandFailure.reading(storage) { () throws(ArchiveError) in try catalog.count() }
        let client = HTTPClient(connectionsPerHost: 1)
        defer { client.close() }
        var lister = ConversationLister(client: client, base: base, key: key)
        lister.pages = pages
        lister.pauseMilliseconds = pauseMilliseconds
        let listed = try await lister.all(window.query)
        return try CommandFailure.reading(storage) { () throws(ArchiveError) in
            try ArchiveComparison(
                listed, try Self.calls(of: catalog, window.filter), in: window, tolerance: tolerance
            ) { id throws(ArchiveError) in try catalog.call(ofConversation: id)?.call }
        }
    }

    private static func calls(of catalog: Catalog, _ filter: CallFilter) throws(ArchiveError) -> [CallRow] {
        var calls: [CallRow] = []
        var cursor: String?
        repeat {
            let page = try catalog.list(filter, cursor: cursor, limit: Catalog.pageLimit)
            calls += page.items.map(\.call)
            cursor = page.next
        } while cursor != nil
        return calls
    }
}
