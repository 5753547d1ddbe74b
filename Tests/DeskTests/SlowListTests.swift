// Lists that take long: they hold up nobody else, are bounded in number and in time, and say so.

import Glibc
import Patience
import Telemetry
import Testing

@testable import Archive
@testable import Desk
@testable import Net

@Suite struct SlowListTests {
    /// A door that is held until it is opened.
    final class Gate: Sendable {
        private let passes = Guarded(0)
        func wait() {
            _ = passes.wait { count -> Bool? in
                guard count > 0 else { return nil }
                count -= 1
                return true
            }
        }
        func open(_ times: Int) { passes.change { $0 += times } }
    }

    /// Every reading connection of the archive is lent, so that each list waits for one: the other requests are answered.
    @Test(.timeLimit(.minutes(1))) func listsThatWaitDelayNoOtherRequest() async throws {
        let desk = try TestDesk()
        let gate = Gate()
        let held = Gate()
        let readers = ArchiveSettings().readers
        let catalog = desk.archive.catalog
        for _ in 0..<readers {
            WorkerThread(name: "holder") {
                do throws(ArchiveError) {
                    try catalog.read { _ in
                        held.open(1)
                        gate.wait()
                    }
                } catch { held.open(1) }
            }.detach()
        }
        for _ in 0..<readers { held.wait() }
        // As many threads as a server has by default.
        let server = try HTTPServer.start(HTTPServerSettings(port: 0, threads: 2), handler: desk.handler)
        defer { server.stop() }
        let base = "http://127.0.0.1:\(server.port)"
        let client = HTTPClient(connectionsPerHost: 16)
        defer { client.close() }
        let answered = Guarded(0)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var request = HTTPClientRequest(
                        method: "GET", url: base + "/v1/recordings?end=drained", timeoutMilliseconds: 30_000)
                    request.headers.append(("Authorization", "Bearer secret"))
                    let status = try await client.send(request).status
                    answered.change { $0 += 1 }
                    return status
                }
            }
            // Until the lists have come to the desk.
            #expect(try await eventually { desk.handler.lists.load >= 8 })
            let asked = MonotonicTime.now
            let health = HTTPClientRequest(method: "GET", url: base + "/healthz", timeoutMilliseconds: 30_000)
            #expect(try await client.send(health).status == 200)
            // Before any of the lists, which are given up after ten seconds.
            #expect(MonotonicTime.now.milliseconds(since: asked) < 10_000)
            #expect(answered.change { $0 } == 0)
            gate.open(readers)
            for try await status in group { #expect(status == 200) }
        }
        #expect(desk.handler.lists.load == 0)
    }

    @Test func tooManyListsAreRefused() throws {
        let desk = try TestDesk()
        let gate = Gate()
        let begun = Gate()
        var taken = 0
        for _ in 0..<ListDesk.threads {
            #expect(
                desk.handler.lists.submit {
                    begun.open(1)
                    gate.wait()
                })
            taken += 1
        }
        for _ in 0..<ListDesk.threads { begun.wait() }
        while desk.handler.lists.submit({ gate.wait() }) { taken += 1 }
        #expect(taken == ListDesk.threads + ListDesk.queueLimit)
        let answer = try desk.ask("/v1/recordings")
        #expect(answer.status == 503)
        #expect(answer.headers["Retry-After"] == "2")
        #expect(answer.text.contains(#""code":"busy""#))
        // Anything else is answered, and what is wrong with a list's question is said at once.
        #expect(try desk.ask("/v1/recordings/" + TestDesk.id(1)).status == 200)
        #expect(try desk.ask("/v1/recordings", query: [("state", "x")]).status == 400)
        gate.open(taken)
        #expect(waitUntil { desk.handler.lists.load == 0 })
        #expect(try desk.ask("/v1/recordings").status == 200)
    }

    @Test func aListWhoseTimeIsUpIsGivenUp() throws {
        let desk = try TestDesk()
        #expect(throws: ArchiveError.tooSlow) {
            try desk.archive.catalog.read { connection throws(ArchiveError) in
                try connection.within(10) { () throws(ArchiveError) in
                    try connection.integer(
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
                    )
                }
            }
        }
        #expect(Problem.slowList.status == 503)
        #expect(Problem.slowList.headers["Retry-After"] != nil)
    }
}
