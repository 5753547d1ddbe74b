// The handler over a real archive in a temporary folder.

import Archive
import Glibc
import Patience
import Testing

@testable import Desk
@testable import Net

/// A desk with one sealed, one empty, one failed, one rendering and one running call.
final class TestDesk: Sendable {
    static let start: Int64 = 1_795_255_362_000_000
    static let audio = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let root: String
    let archive: CallArchive
    let handler: DeskHandler
    let faults = FaultList()
    let control = TestControl()

    /// Faults by their ids. One test uses it on one thread at a time.
    final class FaultList: @unchecked Sendable {
        // Only the test that owns the desk touches it, synchronously.
        var all: [DeskFault] = []
    }

    struct Live: LiveCallSource {
        func liveCalls() -> [LiveCall] {
            [LiveCall(id: "x", carrier: "twilio", carrierCallID: "CA9", startedAt: 0, phase: "talking")]
        }
    }

    struct Door: MediaDoor {
        func offer(_ request: HTTPRequest) -> HTTPOutcome? {
            request.path == "/media" ? .response(HTTPResponse(status: 299)) : nil
        }
    }

    static func id(_ number: UInt64) -> String {
        CallID.make(milliseconds: start / 1000, high: 0, low: number)
    }

    init() throws {
        var template = Array("/tmp/desk-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ArchiveError.file(.makeFolder, errno: errno) }
        root = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        archive = try CallArchive(StorageLayout(root: root), clock: { Self.start + 60_000_000 })
        for number in 1...5 as ClosedRange<UInt64> {
            try archive.applyAndWait(
                .open(
                    CallRow(
                        id: Self.id(number), carrier: "twilio", carrierCallID: "CA\(number)",
                        caller: "+15550100",
                        startedAt: Self.start)))
        }
        let path = try archive.temporaryRecording(Self.id(1), startedAt: Self.start)
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        guard write(file, Self.audio, 1000) == 1000 else { throw ArchiveError.file(.open, errno: errno) }
        close(file)
        let turns = [TurnRow(role: .caller, text: "Hi", startSamples: 0, endSamples: 8000)]
        let facts = SealedFile(
            bytes: 1000, samples: 16000, rate: 8000, channels: .dual, bitrate: 48_000, quality: 5)
        try archive.applyAndWait(.seal(id: Self.id(1), SealRequest(file: facts, turns: turns)))
        try archive.applyAndWait(.seal(id: Self.id(2), SealRequest(file: nil)))
        try archive.applyAndWait(.fail(id: Self.id(3), cause: "disk_full", ending: nil))
        try archive.applyAndWait(.rendering(id: Self.id(4), ending: nil))
        let faults = faults
        handler = DeskHandler(
            DeskHandler.Parts(
                catalog: archive.catalog, archive: archive, access: BearerAccess(tokens: ["secret"]),
                version: "1",
                live: Live(), control: control, issuer: control,
                media: Door(), unready: { ["draining"] }, metrics: { "up 1\n" },
                report: { faults.all.append($0) }))
    }

    deinit {
        archive.close()
        var waiting = [root]
        var folders: [String] = []
        while let folder = waiting.popLast() {
            folders.append(folder)
            guard let stream = opendir(folder) else { continue }
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "." || name == ".." { continue }
                if unlink(folder + "/" + name) != 0 { waiting.append(folder + "/" + name) }
            }
            closedir(stream)
        }
        for folder in folders.reversed() { rmdir(folder) }
    }

    /// A response whose body has been read.
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func ask(
        _ path: String, _ fields: [String: String] = [:], method: String = "GET", token: String? = "secret",
        query: [(name: String, value: String)] = [], body: String = ""
    ) throws -> Answer {
        var headers = fields.map { (name: $0.key, value: $0.value) }
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        let request = HTTPRequest(
            method: method, path: path, query: query, headers: headers, body: Array(body.utf8),
            remoteAddress: "10.0.0.1")
        let response: HTTPResponse
        switch handler.respond(to: request) {
        case .response(let answer): response = answer
        case .deferred(_, let fallback, let start):
            let deferral = HTTPDeferral(fallback: fallback, waits: HTTPWaits())
            start(HTTPReply(deferral))
            _ = waitUntil { deferral.isAnswered }
            response = deferral.take()
        case .upgrade: return Answer(status: 0, headers: [:], body: [])
        }
        var body: [UInt8] = []
        var descriptors: Set<Int32> = []
        func take(_ descriptor: Int32, _ offset: Int64, _ length: Int64) {
            var piece = [UInt8](repeating: 0, count: Int(length))
            if pread(descriptor, &piece, piece.count, Int(offset)) == piece.count { body += piece }
            descriptors.insert(descriptor)
        }
        switch response.body {
        case .bytes(let bytes): body = bytes
        case .file(let descriptor, let offset, let length): take(descriptor, offset, length)
        case .parts(let parts):
            for part in parts {
                switch part {
                case .bytes(let bytes): body += bytes
                case .file(let descriptor, let offset, let length): take(descriptor, offset, length)
                }
            }
        case .stream(let next): while case .bytes(let bytes) = next() { body += bytes }
        case .omitted: break
        }
        for descriptor in descriptors { close(descriptor) }
        return Answer(
            status: response.status,
            headers: Dictionary(response.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
            body: body)
    }

    static let audioPath = "/v1/recordings/\(id(1))/audio.mp3"
}

@Suite struct HandlerTests {
    @Test func theWholeFile() throws {
        let desk = try TestDesk()
        let answer = try desk.ask(TestDesk.audioPath)
        #expect(answer.status == 200)
        #expect(answer.body == TestDesk.audio)
        #expect(answer.headers["Content-Type"] == "audio/mpeg")
        #expect(answer.headers["Accept-Ranges"] == "bytes")
        #expect(answer.headers["ETag"] == "\"\(Digest.sha256(TestDesk.audio).hex)\"")
        #expect(answer.headers["Last-Modified"] == "Sat, 21 Nov 2026 10:03:42 GMT")
        #expect(answer.headers["Content-Disposition"] == "inline; filename=\"CA1.mp3\"")
        #expect(try desk.ask(TestDesk.audioPath, method: "HEAD").status == 200)
    }

    @Test func partsOfIt() throws {
        let desk = try TestDesk()
        let one = try desk.ask(TestDesk.audioPath, ["Range": "bytes=10-19"])
        #expect(one.status == 206)
        #expect(one.headers["Content-Range"] == "bytes 10-19/1000")
        #expect(one.body == Array(TestDesk.audio[10...19]))
        let none = try desk.ask(TestDesk.audioPath, ["Range": "bytes=1000-"])
        #expect(none.status == 416)
        #expect(none.headers["Content-Range"] == "bytes */1000")
        let two = try desk.ask(TestDesk.audioPath, ["Range": "bytes=0-1,-2"])
        #expect(two.status == 206)
        let type = try #require(two.headers["Content-Type"])
        let boundary = String(type.dropFirst("multipart/byteranges; boundary=".count))
        let expected =
            Array("--\(boundary)\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 0-1/1000\r\n\r\n".utf8)
            + TestDesk.audio[0...1]
            + Array(
                "\r\n--\(boundary)\r\nContent-Type: audio/mpeg\r\nContent-Range: bytes 998-999/1000\r\n\r\n"
                    .utf8)
            + TestDesk.audio[998...999] + Array("\r\n--\(boundary)--\r\n".utf8)
        #expect(two.body == expected)
    }

    @Test func conditionsHold() throws {
        let desk = try TestDesk()
        let tag = "\"\(Digest.sha256(TestDesk.audio).hex)\""
        let same = try desk.ask(TestDesk.audioPath, ["If-None-Match": tag])
        #expect(same.status == 304)
        #expect(same.body.isEmpty)
        #expect(same.headers["ETag"] == tag)
        #expect(try desk.ask(TestDesk.audioPath, ["If-Match": "\"x\""]).status == 412)
        #expect(try desk.ask(TestDesk.audioPath, ["Range": "bytes=0-0", "If-Range": "\"x\""]).status == 200)
        #expect(try desk.ask(TestDesk.audioPath, ["Range": "bytes=0-0", "If-Range": tag]).status == 206)
    }

    @Test(
        arguments: [
            (1, 200, "", nil), (2, 404, "no_audio", nil), (3, 404, "no_audio", nil),
            (4, 409, "recording_not_ready", "2"),
            (5, 409, "recording_not_ready", "10"), (6, 404, "unknown_recording", nil),
        ] as [(UInt64, Int, String, String?)])
    func statesAreStatuses(number: UInt64, status: Int, code: String, retry: String?) throws {
        let desk = try TestDesk()
        let answer = try desk.ask("/v1/recordings/\(TestDesk.id(number))/audio.mp3")
        #expect(answer.status == status)
        #expect(answer.headers["Retry-After"] == retry)
        if !code.isEmpty { #expect(answer.text.contains("\"code\":\"\(code)\"")) }
    }

    @Test func aLostFileIsAnErrorWithAnIdAndNoPath() throws {
        let desk = try TestDesk()
        let path = try desk.archive.layout.recording(TestDesk.id(1), startedAt: TestDesk.start)
        #expect(truncate(desk.archive.layout.absolute(path), 999) == 0)
        #expect(try desk.ask(TestDesk.audioPath).status == 500)
        #expect(unlink(desk.archive.layout.absolute(path)) == 0)
        let answer = try desk.ask(TestDesk.audioPath)
        #expect(answer.status == 500)
        #expect(desk.faults.all.count == 2)
        let fault = try #require(desk.faults.all.last)
        #expect(answer.text.contains("\"error_id\":\"\(fault.id)\""))
        #expect(fault.route == "/v1/recordings/{id}/audio.mp3")
        #expect(!answer.text.contains(desk.root))
        #expect(!fault.what.contains(desk.root))
        // The call is told apart by our own identifier; whatever else stands in a path is not repeated.
        #expect(fault.call == TestDesk.id(1))
        desk.archive.close()
        for (path, call) in [
            ("recordings/\(TestDesk.id(7))", TestDesk.id(7)), ("recordings/+15550100", nil),
            ("contexts/+15550100", nil), ("contexts/\(TestDesk.id(7))", nil), ("recordings", nil),
        ] as [(String, String?)] {
            _ = try desk.ask("/v1/" + path)
            #expect(desk.faults.all.last?.call == call, "\(path)")
        }
        #expect(desk.faults.all.count == 2 + 5)
    }

    @Test(arguments: Routes.all)
    func tokensAreAskedFor(route: Route) throws {
        let desk = try TestDesk()
        try desk.furnish()
        let path = route.path.replacing("{id}", with: TestDesk.id(route.action == .audio(.wav) ? 9 : 1))
            .replacing("{phone}", with: "+15550100")
        let fields = route.body.map { ["Content-Type": $0.mediaTypes[0]] } ?? [:]
        let body = TestDesk.goodBodies[route.action] ?? ""
        for token in [nil, "wrong"] {
            let answer = try desk.ask(path, fields, method: route.method, token: token, body: body)
            #expect((answer.status == 401) == route.isProtected)
            if route.isProtected { #expect(answer.headers["WWW-Authenticate"] == "Bearer realm=\"teeline\"") }
        }
        #expect(desk.control.orders.isEmpty)
        let good = try desk.ask(path, fields, method: route.method, body: body)
        #expect(route.path == "/readyz" ? good.status == 503 : route.statuses.contains(good.status))
        if good.status != 204 { #expect(good.headers["Content-Type"]?.hasPrefix(route.mediaType) == true) }
        #expect(!good.text.contains(desk.root))
        let patch = try desk.ask(path, method: "PATCH")
        #expect(patch.status == 405)
        #expect(patch.headers["Allow"]?.contains(route.method) == true)
        guard let taken = route.body else { return }
        let text = try desk.ask(path, ["Content-Type": "text/plain"], method: route.method, body: "x")
        #expect(text.status == 415)
        #expect(text.headers["Accept"] == taken.mediaTypes.joined(separator: ", "))
        let size = max(taken.bytes ?? 0, 64 << 10) + 1
        let large = String(repeating: " ", count: size)
        #expect(try desk.ask(path, fields, method: route.method, body: large).status == 413)
    }

    @Test func unknownPaths() throws {
        let desk = try TestDesk()
        #expect(try desk.ask("/nothing", token: nil).status == 404)
        #expect(try desk.ask("/v1/nothing", token: nil).status == 401)
        #expect(try desk.ask("/v1/nothing").status == 404)
        #expect(try desk.ask("/media", token: nil).status == 299)
    }

    @Test func listsByPage() throws {
        let desk = try TestDesk()
        let first = try desk.ask("/v1/recordings", query: [("limit", "3")])
        #expect(first.status == 200)
        #expect(first.text.contains(#""started_at":"2026-11-21T10:02:42.000000Z""#))
        let cursor = try #require(first.text.split(separator: "\"next_cursor\":\"").last).prefix(46)
        let second = try desk.ask("/v1/recordings", query: [("limit", "3"), ("cursor", String(cursor))])
        #expect(second.text.contains(TestDesk.id(1)))
        #expect(second.text.contains(TestDesk.id(2)))
        #expect(!second.text.contains(TestDesk.id(3)))
        #expect(second.text.hasSuffix(#""next_cursor":null}"#))
    }

    @Test(arguments: [
        ("limit", "0"), ("limit", "201"), ("limit", "x"), ("limit", ""), ("limit", "+5"), ("limit", "-1"),
        ("limit", "99999999999999999999"), ("from", "yesterday"), ("to", ""), ("state", "gone"),
        ("state", "Sealed"), ("origin", "zzz"), ("carrier", "zzz"), ("carrier", ""), ("carrier", "Twilio"),
        ("end", "nobody:hangup"), ("end", "zzz"), ("end", "caller:zzz"), ("end", "caller:"),
        ("end", ":hangup"), ("end", ""), ("end", "hangup:caller"), ("end", "caller:hangup:x"),
        ("caller", ""), ("agent_id", ""), ("cursor", "x"),
    ])
    func badParametersAreSaidSo(name: String, value: String) throws {
        let answer = try TestDesk().ask("/v1/recordings", query: [(name, value)])
        #expect(answer.status == 400)
        #expect(answer.text.contains("bad_parameter"))
        #expect(answer.text.contains("The query parameter \(name) cannot be read."))
    }

    @Test(arguments: ["/v1/recordings", "/v1/contexts"])
    func whatIsUnknownOrRepeatedIsNamed(path: String) throws {
        let desk = try TestDesk()
        for query in [[("limit", "1"), ("limit", "2")], [("limit", "1"), ("limit", "1")]] {
            let answer = try desk.ask(path, query: query)
            #expect(answer.status == 400)
            #expect(answer.text.contains("The query parameter limit stands there more than once."))
        }
        let told = [
            "colour": "colour", "page-size": "page-size", "Limit": "Limit",
            String(repeating: "x", count: 64): String(repeating: "x", count: 64),
            String(repeating: "x", count: 65): "(another one)", "": "(another one)",
            "15550100": "(another one)",
            "a b": "(another one)", "é": "(another one)", "a\u{0}": "(another one)", "<b>": "(another one)",
        ]
        for (name, shown) in told {
            let answer = try desk.ask(path, query: [(name, "1")])
            #expect(answer.status == 400)
            #expect(answer.text.contains("The query parameter \(shown) is not known here."), "\(name)")
        }
    }

    /// What has no effect is refused everywhere below /v1, by every method; a prober may add what it likes.
    @Test(arguments: Routes.all)
    func aParameterWithoutEffectIsRefused(route: Route) throws {
        let desk = try TestDesk()
        try desk.furnish()
        let path = route.path.replacing("{id}", with: TestDesk.id(route.action == .audio(.wav) ? 9 : 1))
            .replacing("{phone}", with: "+15550100")
        let fields = route.body.map { ["Content-Type": $0.mediaTypes[0]] } ?? [:]
        let body = TestDesk.goodBodies[route.action] ?? ""
        let answer = try desk.ask(path, fields, method: route.method, query: [("colour", "1")], body: body)
        #expect((answer.status == 400) == route.isProtected)
        guard route.isProtected else { return }
        #expect(answer.text.contains("The query parameter colour is not known here."))
        #expect(desk.control.orders.isEmpty)
        if route.parameters.isEmpty {
            let limited = try desk.ask(
                path, fields, method: route.method, query: [("limit", "1")], body: body)
            #expect(limited.status == 400)
        }
    }

    @Test(arguments: [
        ("caller", "+15550100", 5), ("caller", " 15550100", 5), ("caller", "x", 0), ("state", "sealed", 2),
        ("state", "rendering", 1), ("call_id", "CA3", 1), ("carrier", "telnyx", 0), ("from", "2026-11-22", 0),
        ("to", "2026-11-22T00:00:00Z", 5), ("end", "caller:hangup", 0), ("end", "hangup", 0),
        ("end", "server", 0), ("carrier", "twilio", 5),
    ])
    func filtersReachTheCatalog(name: String, value: String, count: Int) throws {
        let answer = try TestDesk().ask("/v1/recordings", query: [(name, value)])
        #expect(answer.status == 200)
        #expect(answer.text.split(separator: "\"carrier_call_id\":").count - 1 == count)
    }

    @Test(
        arguments: [
            ("transcript", ["Accept": "text/vtt"], "WEBVTT"), ("transcript", [:], #"{"call_id""#),
            ("transcript.txt", [:], "[00:00:00.000] Caller: Hi"), ("transcript.srt", [:], "1\n00:00:00,000"),
            ("transcript.json", ["Accept": "text/vtt"], #"{"call_id""#),
        ] as [(String, [String: String], String)])
    func transcriptsAreServed(name: String, fields: [String: String], beginning: String) throws {
        let answer = try TestDesk().ask("/v1/recordings/\(TestDesk.id(1))/\(name)", fields)
        #expect(answer.status == 200)
        #expect(answer.text.hasPrefix(beginning))
    }

    @Test func aTranscriptIsNotReadyDuringTheCall() throws {
        let desk = try TestDesk()
        #expect(try desk.ask("/v1/recordings/\(TestDesk.id(5))/transcript").status == 409)
        #expect(try desk.ask("/v1/recordings/\(TestDesk.id(9))/transcript").status == 404)
        #expect(try desk.ask("/v1/calls").text.contains(#""phase":"talking""#))
        // A call that has just begun is live and has no row yet.
        for path in ["/v1/recordings/x/audio.mp3", "/v1/recordings/x/transcript.vtt"] {
            let answer = try desk.ask(path)
            #expect(answer.status == 409 && answer.headers["Retry-After"] == "10")
        }
    }

    @Test func aClosedArchiveIsBusyNotMissing() throws {
        let desk = try TestDesk()
        desk.archive.close()
        let answer = try desk.ask(TestDesk.audioPath)
        #expect(answer.status == 503)
        #expect(desk.faults.all.count == 1)
    }
}
