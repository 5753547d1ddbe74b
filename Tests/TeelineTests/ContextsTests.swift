// Contexts on the command line: straight into the archive, and through the API of a server that has it.

import Archive
import Desk
import Exchange
import Foundation
import Net
import Telemetry
import Testing

@testable import teeline

/// A storage in a temporary folder, and files beside it.
private final class Shop {
    let folder = NSTemporaryDirectory() + "teeline-contexts-" + UUID().uuidString
    var storage: String { folder + "/storage" }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { _ = try? FileManager.default.removeItem(atPath: folder) }

    func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
        return folder + "/" + name
    }

    func run(_ words: String...) async -> ExitCode {
        await Program.run(["contexts"] + words + ["--storage", storage])
    }

    func contexts() throws -> [String: [String: String]] {
        let catalog = Catalog(StorageLayout(root: storage))
        defer { catalog.close() }
        let rows = try catalog.contexts(limit: 200).items
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.phone, $0.fields) })
    }

    /// A server on this storage; the address to give the command line.
    func serve(tokens: [String] = []) throws -> (stop: () -> Void, url: [String]) {
        let archive = try CallArchive(StorageLayout(root: storage))
        let handler = DeskHandler(
            DeskHandler.Parts(
                catalog: archive.catalog, archive: archive,
                access: BearerAccess(tokens: tokens, openOnLoopback: tokens.isEmpty), version: "1",
                report: { _ in }))
        let server = try HTTPServer.start(HTTPServerSettings(port: 0, threads: 1), handler: handler)
        return (
            {
                server.stop()
                archive.close()
            }, ["--url", "http://127.0.0.1:\(server.port)"]
        )
    }
}

@Suite struct ContextsTests {
    static let csv = "phone,name,note\r\n+15550100,\"Ada, \"\"A\"\"\",\"two\nlines\"\r\n+1 555 0101,,x\r\n"
    static let read = [
        "+15550100": ["name": "Ada, \"A\"", "note": "two\nlines"], "+15550101": ["note": "x"],
    ]

    @Test func withoutAServer() async throws {
        let shop = try Shop()
        #expect(await shop.run("list") == .storage)
        #expect(await shop.run("import", try shop.file("a.csv", Self.csv)) == .success)
        #expect(try shop.contexts() == Self.read)
        #expect(await shop.run("set", "+1 555 0102", "name=Grace", "n=1=2") == .success)
        #expect(await shop.run("set", "+15550102", "vip=true", "name=") == .success)
        #expect(try shop.contexts()["+15550102"] == ["n": "1=2", "vip": "true"])
        #expect(await shop.run("show", "+15550102") == .success)
        #expect(await shop.run("list", "--limit", "1", "--json") == .success)
        #expect(await shop.run("remove", "+15550102") == .success)
        #expect(await shop.run("remove", "+15550102") == .notFound)
        #expect(await shop.run("show", "+15550102") == .notFound)
        #expect(try shop.contexts() == Self.read)
    }

    @Test func besideAServer() async throws {
        let shop = try Shop()
        let (stop, url) = try shop.serve()
        defer { stop() }
        func run(_ words: String...) async -> ExitCode {
            await Program.run(["contexts"] + words + ["--storage", shop.storage] + url)
        }
        #expect(await run("import", try shop.file("a.csv", Self.csv)) == .success)
        #expect(try shop.contexts() == Self.read)
        #expect(await run("set", "client:ada b", "x=y") == .usage)
        #expect(await run("set", "client:ada?b%#", "x=y") == .success)
        #expect(try shop.contexts()["client:ada?b%#"] == ["x": "y"])
        #expect(await run("remove", "client:ada?b%#") == .success)
        #expect(await run("remove", "client:ada?b%#") == .notFound)
        #expect(await shop.run("show", "+15550100") == .success)
        // Larger than bodies usually may be.
        let many = (10_000..<15_000).map { "+1555\($0),Somebody of some name" }.joined(separator: "\n")
        #expect(many.utf8.count > 128 << 10)
        #expect(await run("import", try shop.file("many.csv", "phone,name\n" + many)) == .success)
        let catalog = Catalog(StorageLayout(root: shop.storage))
        defer { catalog.close() }
        #expect(try catalog.context("+155514999")?.fields == ["name": "Somebody of some name"])
    }

    @Test func whatIsWrongIsSaid() async throws {
        let shop = try Shop()
        #expect(await shop.run("import", try shop.file("a.txt", Self.csv)) == .usage)
        #expect(await shop.run("import", shop.folder + "/none.csv") == .failure)
        #expect(await shop.run("import", try shop.file("b.csv", "name,phone\n")) == .failure)
        #expect(await shop.run("import", try shop.file("b.json", "[{}]")) == .failure)
        #expect(await shop.run("set", "+0", "a=b") == .usage)
        #expect(await shop.run("set", "+15550100", "a") == .usage)
        #expect(await shop.run("set", "+15550100") == .usage)
        let long = "a=" + String(repeating: "x", count: 17_000)
        #expect(await shop.run("set", "+15550100", long) == .failure)
        #expect(try shop.contexts().isEmpty)
    }

    @Test func aServerThatRefusesOrDoesNotAnswerIsNamed() async throws {
        let shop = try Shop()
        let (stop, url) = try shop.serve(tokens: ["secret-of-the-server"])
        defer { stop() }
        let arguments = ParsedArguments(values: ["--url": url[1]])
        let store = try ContextStore.open(storage: shop.storage, arguments)
        let refused = await #expect(throws: CommandFailure.self) { try await store.remove("+15550100") }
        #expect(refused?.code == .configuration)
        #expect(refused?.message.contains("TEELINE_API_TOKEN") == true)
        // Port 1 is nobody's.
        let elsewhere = ParsedArguments(values: ["--url": "http://127.0.0.1:1"])
        let silent = try ContextStore.open(storage: shop.storage, elsewhere)
        let failed = await #expect(throws: CommandFailure.self) { try await silent.remove("+15550100") }
        #expect(failed?.code == .network)
        #expect(failed?.message.contains("--url") == true)
    }

    @Test(arguments: ["json", "csv"])
    func whatIsExportedIsImported(form: String) async throws {
        let shop = try Shop()
        #expect(await shop.run("import", try shop.file("a.csv", Self.csv)) == .success)
        let path = shop.folder + "/out." + form
        #expect(await shop.run("export", "--form", form, "--output", path) == .success)
        #expect(await shop.run("remove", "+15550100") == .success)
        #expect(await shop.run("import", path) == .success)
        #expect(try shop.contexts() == Self.read)
        // The JSON has the time of the change, which is another one now; the CSV is the same.
        let again = await shop.run("export", "--form", form, "--output", path)
        #expect(again == (form == "csv" ? .success : .failure))
    }
}
