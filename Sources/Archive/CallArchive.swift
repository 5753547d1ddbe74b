// The archive of one server: the only way to change what it keeps.

/// Bounds of an archive.
public struct ArchiveSettings: Sendable, Hashable {
    /// Most changes that wait; a further one is refused.
    public var queueLimit: Int
    /// Most reading connections at once.
    public var readers: Int
    /// How long the writer waits for another process that holds the catalog, in milliseconds.
    public var busyMilliseconds: Int32

    /// The defaults.
    public init(queueLimit: Int = 4096, readers: Int = 6, busyMilliseconds: Int32 = 5000) {
        self.queueLimit = queueLimit
        self.readers = readers
        self.busyMilliseconds = busyMilliseconds
    }
}

/// The archive as the server has it: the lock of the storage, the writing thread, and the way to read.
public final class CallArchive: Sendable {
    /// Where everything lies.
    public let layout: StorageLayout
    /// Reading, from any thread.
    public let catalog: Catalog

    /// How many passes were forgotten because the server before this one did not stop by itself: it may have let streams in
    /// by them without a trace.
    public let forgottenPasses: Int

    private let lock: StorageLock
    private let isWhole = Guarded(true)
    private let writer: ArchiveWriter
    private let files: any ArchiveFiles
    private let clock: @Sendable () -> Int64

    /// Opens the storage for writing: makes what lacks, takes the lock, brings the schema up to date. Throws
    /// `storageLocked`, `newerDatabase`, `foreignDatabase`, `sqlite`, `file`.
    public init(
        _ layout: StorageLayout, settings: ArchiveSettings = ArchiveSettings(),
        files: any ArchiveFiles = POSIXFiles(), clock: @escaping @Sendable () -> Int64 = ArchiveTime.now
    ) throws(ArchiveError) {
        try layout.prepare()
        self.layout = layout
        self.files = files
        self.clock = clock
        lock = try StorageLock(layout)
        writer = try ArchiveWriter(
            path: layout.databasePath, limit: settings.queueLimit,
            busyMilliseconds: settings.busyMilliseconds)
        let wasWhole = lock.wasWhole
        forgottenPasses = try writer.runAndWait { connection throws(ArchiveError) in
            let changes = CatalogChanges(connection: connection, now: clock())
            try changes.purgePasses(limit: 10_000)
            return wasWhole ? 0 : try changes.forgetPasses()
        }
        catalog = Catalog(layout, readers: settings.readers)
    }

    /// Where the recording of a call is to be written before it is sealed (absolute); its folder is made. Throws
    /// `badValue`, `file`.
    public func temporaryRecording(
        _ id: String, startedAt: Int64, format: RecordingFormat = .mp3
    ) throws(ArchiveError) -> String {
        let path = try layout.temporaryRecording(id, startedAt: startedAt, format: format)
        try layout.prepareFolder(of: path, files: files)
        return layout.absolute(path)
    }

    /// Brings the file of a recording to its place: every step of sealing but the catalog's own (`sealPlaced`), on the
    /// calling thread, which waits for the disk. Several threads may do it at once, each for its own call: the disk
    /// takes their flushes together. The call's row may still be on its way. Throws `wrongState` when the recording is sealed already, `noFile`,
    /// `wrongLength`, `file`.
    public func place(_ id: String, startedAt: Int64, bytes: Int64) throws(ArchiveError) -> PlacedFile {
        if let stored = try catalog.call(id), [.sealed, .recovered].contains(stored.recording.state) {
            throw .wrongState(stored.recording.state)
        }
        let final = try layout.recording(id, startedAt: startedAt)
        let temporary = try layout.temporaryRecording(id, startedAt: startedAt)
        let digest = try FilePlacing(layout: layout, files: files).place(temporary, as: final, bytes: bytes)
        return PlacedFile(path: final, digest: digest)
    }

    /// Where ElevenLabs' audio of a conversation is to be written before it is sealed (absolute); its folder is made.
    /// Throws `badValue`, `file`.
    public func temporaryConversationAudio(_ audio: ConversationAudio) throws(ArchiveError) -> String {
        let path = try audio.temporaryPath(layout)
        try layout.prepareFolder(of: path, files: files)
        return layout.absolute(path)
    }

    /// Does `change` and suspends until it is on the disk; says what it came to.
    @discardableResult
    public func apply(_ change: ArchiveChange) async throws(ArchiveError) -> ChangeOutcome {
        try await writer.run(work(change))
    }

    /// Does `change`; `completion` is called on the writer's thread when it is on the disk, and must not block. When
    /// the queue is full or the archive closed it is called at once with `queueFull` or `closed`.
    public func apply(
        _ change: ArchiveChange, completion: @escaping @Sendable (Result<ChangeOutcome, ArchiveError>) -> Void
    ) {
        writer.submit(work(change), completion: completion)
    }

    /// Does `change` and blocks until it is on the disk. For worker threads: never from a completion or an event loop.
    @discardableResult
    public func applyAndWait(_ change: ArchiveChange) throws(ArchiveError) -> ChangeOutcome {
        try writer.runAndWait(work(change))
    }

    /// A call begins. Throws `badValue`, `sqlite`, `queueFull`.
    public func openCall(_ call: CallRow) async throws(ArchiveError) { try await apply(.open(call)) }

    /// A call is over and its file is being made. Throws `unknownCall`, `wrongState` when it is sealed.
    public func markRendering(_ id: String, ending: CallEnding? = nil) async throws(ArchiveError) {
        try await apply(.rendering(id: id, ending: ending))
    }

    /// The recording is complete. Throws `noFile`, `wrongLength`, `differentSeal`, `file`, `sqlite`.
    public func seal(_ id: String, _ request: SealRequest) async throws(ArchiveError) {
        try await apply(.seal(id: id, request))
    }

    /// A call without audio is complete: a row without a file.
    public func sealEmpty(
        _ id: String, ending: CallEnding?, events: [EventRow] = [], metrics: MetricsRow = MetricsRow()
    ) async throws(ArchiveError) {
        let request = SealRequest(file: nil, ending: ending, events: events, metrics: metrics)
        try await apply(.seal(id: id, request))
    }

    /// There is no recording. Throws `unknownCall`, `wrongState` when it is sealed.
    public func fail(_ id: String, cause: String, ending: CallEnding? = nil) async throws(ArchiveError) {
        try await apply(.fail(id: id, cause: cause, ending: ending))
    }

    /// Compares catalog and disk. See `Reconciliation`.
    public func reconcile(checkHashes: Bool = false) throws(ArchiveError) -> ReconcileReport {
        try Reconciliation(layout: layout, catalog: catalog, files: files).report(checkHashes: checkHashes)
    }

    /// Repairs of `report` what loses nothing, and says what is left. See `Reconciliation`.
    public func repair(_ report: ReconcileReport) throws(ArchiveError) -> ReconcileReport {
        try Reconciliation(layout: layout, catalog: catalog, files: files).repair(report)
    }

    /// A pass that was shown could not be written down: no pass of this server's is good for the next one.
    public func claimWasLost() { isWhole.change { $0 = false } }

    /// Does what waits, checkpoints, closes and gives the storage's lock back; blocks until then.
    public func close() {
        catalog.close()
        writer.close()
        lock.release(isWhole: isWhole.change { $0 })
    }

    private func work(
        _ change: ArchiveChange
    ) -> @Sendable (SQLiteConnection) throws(ArchiveError) -> ChangeOutcome {
        { [layout, files, clock] connection throws(ArchiveError) in
            let changes = CatalogChanges(connection: connection, now: clock())
            let sealing = Sealing(layout: layout, files: files, changes: changes)
            // What has an entry in the ledger has changed something: doing it twice writes none.
            let before = try Ledger.head(connection).entries
            switch change {
            case .open(let call): try changes.open(call)
            case .annotate(let id, let stream, let agent, let conversation):
                try changes.annotate(id, streamID: stream, agentID: agent, conversationID: conversation)
            case .rendering(let id, let ending): try changes.rendering(id, ending)
            case .seal(let id, let request): try sealing.seal(id, request)
            case .sealPlaced(let id, let request, let placed):
                try sealing.sealPlaced(id, request, placed)
            case .fail(let id, let cause, let ending): try changes.fail(id, cause: cause, ending)
            case .note(let kind, let callID, let detail): try changes.note(kind, callID, detail)
            case .adopt(let request): return try sealing.adopt(request)
            case .failAdoption(let call, let provenance, let cause):
                return try changes.failAdoption(call, provenance, cause: cause)
            case .attachTranscript(let id, let turns): return try changes.attachTranscript(id, turns)
            case .storeContext(let row): return try changes.storeContext(row)
            case .removeContext(let phone): return try changes.removeContext(phone)
            case .importContexts(let rows): return try changes.importContexts(rows)
            case .issuePass(let row): return try changes.issuePass(row)
            case .claimPass(let digest, let instant): return try changes.claimPass(digest, at: instant)
            case .dial(let row): return try changes.dial(row)
            case .dialProgress(let id, let progress): return try changes.progress(id, progress)
            case .carrierEvent(let row): return try changes.carrierEvent(row)
            case .conversation(let row): return try changes.conversation(row)
            case .conversationAudio(let audio): return try sealing.seal(audio)
            }
            let entries = try Ledger.head(connection).entries - before
            return entries > 0 ? ChangeOutcome(replaced: 1) : ChangeOutcome(unchanged: 1)
        }
    }
}
