// `teeline contexts`: what is known of customers, by telephone number.

import Archive
import Desk
import Foundation
import Wire

/// Reads and changes contexts.
struct ContextsCommand {
    private let arguments: ParsedArguments
    private let storage: String
    private let catalog: Catalog

    init(_ arguments: ParsedArguments) throws(CommandFailure) {
        self.arguments = arguments
        storage = try ServerEnvironment(arguments).storage(arguments)
        catalog = Catalog(StorageLayout(root: storage))
    }

    func run(_ command: CommandSyntax) async throws(CommandFailure) -> ExitCode {
        switch command {
        case Commands.listContexts: return try list()
        case Commands.showContext: return try show()
        case Commands.setContext: return try await set()
        case Commands.removeContext: return try await remove()
        case Commands.importContexts: return try await importFile()
        case Commands.exportContexts: return try export()
        default: return .usage
        }
    }

    private func list() throws(CommandFailure) -> ExitCode {
        var after = ""
        if let cursor = arguments.values["--cursor"] { after = try key(cursor) }
        let page = try page(after: after, limit: arguments.integer("--limit") ?? 50)
        if arguments.flags.contains("--json") {
            Console.print(
                json: JSON.object([
                    ("items", JSON.array(page.items.map { ContextImport.json($0) })),
                    ("next_cursor", JSON.quoted(page.next)),
                ]))
            return .success
        }
        let rows = page.items.map { row in
            [
                row.phone, String(ArchiveTime.rfc3339(row.updatedAt).prefix(19)),
                row.fields.keys.sorted().joined(separator: ", "),
            ]
        }
        for line in TextTable.lines(head: ["PHONE", "UPDATED (UTC)", "FIELDS"], rows: rows) {
            Console.print(line)
        }
        if let next = page.next { Console.print("\nMore: --cursor \(next)") }
        return .success
    }

    private func show() throws(CommandFailure) -> ExitCode {
        guard let row = try known(try phone()) else { throw Self.unknown }
        if arguments.flags.contains("--json") {
            Console.print(json: ContextImport.json(row))
            return .success
        }
        let rows = row.fields.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
        for line in TextTable.lines(head: [], rows: rows) { Console.print(line) }
        return .success
    }

    private func set() async throws(CommandFailure) -> ExitCode {
        let phone = try phone()
        var fields: [String: String] = [:]
        do throws(CommandFailure) {
            fields = try known(phone)?.fields ?? [:]
        } catch {
            // Where there is no archive yet, nothing is known: the change below makes one, or says what is wrong.
            guard error.code == .storage else { throw error }
        }
        for word in arguments.operands.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandFailure(.usage, "fields are given as key=value")
            }
            fields[String(parts[0])] = parts[1].isEmpty ? nil : String(parts[1])
        }
        try await store().put(ContextRow(phone: phone, fields: fields))
        return .success
    }

    private func remove() async throws(CommandFailure) -> ExitCode {
        guard try await store().remove(try phone()) else { throw Self.unknown }
        return .success
    }

    private func importFile() async throws(CommandFailure) -> ExitCode {
        let path = arguments.operands.first ?? ""
        let mediaType: String
        switch (path as NSString).pathExtension.lowercased() {
        case "csv": mediaType = "text/csv"
        case "json": mediaType = "application/json"
        default: throw CommandFailure(.usage, "\(path) is neither .csv nor .json")
        }
        guard let content = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failure, "\(path) cannot be read")
        }
        guard content.count <= ContextImport.byteLimit else {
            throw CommandFailure(
                .failure, "\(path) is larger than 8 MiB: split it, each part is stored whole")
        }
        // Read here in any case: what is wrong is told before anything is asked of a server.
        let rows: [ContextRow]
        switch ContextImport.read(Array(content), mediaType: mediaType) {
        case .success(let read): rows = read
        case .failure(let problem):
            throw CommandFailure(.failure, "\(path): \(problem.detail) Nothing was stored.")
        }
        let outcome = try await store().importAll(rows, content: Array(content), mediaType: mediaType)
        Console.print(
            "\(outcome.added) added, \(outcome.replaced) replaced, \(outcome.unchanged) there already")
        return .success
    }

    private func export() throws(CommandFailure) -> ExitCode {
        var rows: [ContextRow] = []
        var after: String? = ""
        while let start = after {
            let page = try page(after: start, limit: Catalog.pageLimit)
            rows += page.items
            after = page.next
        }
        let text =
            arguments.values["--form"] == "csv"
            ? ContextImport.csv(rows)
            : "[\n" + rows.map { ContextImport.json($0) }.joined(separator: ",\n") + "\n]\n"
        guard let output = arguments.values["--output"], output != "-" else {
            Console.put(text)
            return .success
        }
        guard try CheckedFile.write(Data(text.utf8), to: output) != .differs else {
            throw CommandFailure(
                .failure, "\(output) exists and is something else: choose another name with --output")
        }
        return .success
    }

    private static let unknown = CommandFailure(.notFound, "nothing is known of that number")

    private func phone() throws(CommandFailure) -> String { try key(arguments.operands.first ?? "") }

    private func key(_ text: String) throws(CommandFailure) -> String {
        guard let key = PhoneKey.normalised(text) else {
            throw CommandFailure(.usage, "that is no number: + and digits, or a name as the carrier says it")
        }
        return key
    }

    private func known(_ phone: String) throws(CommandFailure) -> ContextRow? {
        do throws(ArchiveError) {
            return try catalog.context(phone)
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }

    private func page(after phone: String, limit: Int) throws(CommandFailure) -> ContextPage {
        do throws(ArchiveError) {
            return try catalog.contexts(after: phone, limit: limit)
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }

    private func store() throws(CommandFailure) -> ContextStore {
        try ContextStore.open(storage: storage, arguments)
    }
}
