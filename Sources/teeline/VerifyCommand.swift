// `teeline verify`: is every recording what was sealed?

import Archive

/// Reads every sealed file and the whole ledger. Changes nothing.
struct VerifyCommand {
    private let arguments: ParsedArguments
    private let storage: String

    static let syntax = CommandSyntax(
        words: ["verify"], summary: "prove that every recording is what was sealed",
        details: """
            Reads every sealed file and compares its SHA-256 with the catalog, all that the catalog says of a call (turns,
            events and figures, too) with the ledger's digest of it, and every entry of the ledger with the one before
            it; names files that belong to nothing. What is wrong is told with
            id and path. With filters only these recordings are read; the ledger always is. The status is 0 when
            nothing is wrong and 1 when something is; notes are not wrong. Works beside a running server and without
            one, on a copy that cannot be written, too, and changes nothing. Keep the ledger head that is printed elsewhere: with --head a later run shows
            whether the ledger up to there is still the same.
            """,
        options: Commands.filters.filter { $0.name != "--cursor" && $0.name != "--limit" } + [
            OptionSyntax("--head", .text, "N:SHA256", "a ledger head that was printed before"),
            OptionSyntax("--json", "one JSON object instead of text"), Commands.storage, Commands.config,
        ],
        examples: ["teeline verify", "teeline verify --from 2026-11-01 --to 2026-12-01 --json"])

    init(_ arguments: ParsedArguments) throws(CommandFailure) {
        self.arguments = arguments
        storage = try ServerEnvironment(arguments).storage(arguments)
    }

    func run() throws(CommandFailure) -> ExitCode {
        let query = try FilterOptions.query(arguments)
        let catalog = Catalog(StorageLayout(root: storage), readers: 1)
        defer { catalog.close() }
        var audit = ArchiveAudit(catalog: catalog, isDeep: true)
        if let text = arguments.values["--head"] { audit.published = try Self.head(text) }
        let report: AuditReport
        do throws(ArchiveError) {
            if query.filter != CallFilter() { audit.selected = try Self.calls(query.filter, catalog) }
            report = try audit.run()
        } catch {
            throw CommandFailure(error, storage: storage)
        }
        if arguments.flags.contains("--json") {
            Console.print(json: AuditText.json(report))
        } else {
            for line in AuditText.lines(report) { Console.print(line) }
        }
        return report.faults.isEmpty ? .success : .failure
    }

    private static func calls(_ filter: CallFilter, _ catalog: Catalog) throws(ArchiveError) -> Set<String> {
        var ids: Set<String> = []
        var cursor: String?
        repeat {
            let page = try catalog.list(filter, cursor: cursor, limit: Catalog.pageLimit)
            ids.formUnion(page.items.map(\.call.id))
            cursor = page.next
        } while cursor != nil
        return ids
    }

    /// A head as it is printed: number of entries, colon, 64 hexadecimal digits.
    static func head(_ text: String) throws(CommandFailure) -> LedgerHead {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let digits = parts.count == 2 ? Array(parts[1].utf8) : []
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - digits.count % 2, by: 2) {
            let pair = String(decoding: digits[index...(index + 1)], as: UTF8.self)
            if let byte = UInt8(pair, radix: 16), !pair.hasPrefix("+") { bytes.append(byte) }
        }
        guard digits.count == 64, let entries = Int64(parts[0]), entries >= 0, let hash = Digest(bytes: bytes)
        else {
            throw CommandFailure(
                .usage, "--head cannot be read: it is the number and the SHA-256 that `teeline verify` prints"
            )
        }
        return LedgerHead(entries: entries, hash: hash)
    }
}
