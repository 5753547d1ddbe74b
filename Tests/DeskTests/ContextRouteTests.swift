// Contexts over HTTP, and CSV and JSON in and out.

import Archive
import Net
import Testing

@testable import Desk

@Suite struct ContextRouteTests {
    static let json = ["Content-Type": "application/json; charset=utf-8"]
    static let one = "/v1/contexts/+15550100"

    @Test func storedReadListedRemoved() throws {
        let desk = try TestDesk()
        #expect(try desk.ask(Self.one).status == 404)
        let body = #"{"fields":{"name":"Ada","vip":true,"n":1.50}}"#
        let new = try desk.ask(Self.one, Self.json, method: "PUT", body: body)
        #expect(new.status == 201)
        // Numbers and truth values are texts, as they were written. The archive's clock says 10:03:42.
        let shown =
            #"{"phone":"+15550100","fields":{"n":"1.50","name":"Ada","vip":"true"},"updated_at":"2026-11-21T10:03:42.000000Z"}"#
        #expect(new.text == shown)
        #expect(try desk.ask("/v1/contexts/+1 (555) 01-00").text == shown)
        #expect(try desk.ask(Self.one, Self.json, method: "PUT", body: body).status == 200)
        #expect(
            try desk.ask("/v1/contexts/client:ada", Self.json, method: "PUT", body: #"{"fields":{}}"#).status
                == 201)
        let first = try desk.ask("/v1/contexts", query: [("limit", "1")])
        #expect(first.text == #"{"items":[\#(shown)],"next_cursor":"+15550100"}"#)
        let second = try desk.ask("/v1/contexts", query: [("limit", "1"), ("cursor", " 15550100")])
        #expect(second.text.contains("client:ada"))
        #expect(second.text.hasSuffix(#""next_cursor":null}"#))
        for query in [("limit", "0"), ("limit", "x"), ("cursor", "a b"), ("colour", "red")] {
            #expect(try desk.ask("/v1/contexts", query: [query]).status == 400)
        }
        #expect(try desk.ask(Self.one, method: "DELETE").status == 204)
        #expect(try desk.ask(Self.one, method: "DELETE").status == 404)
        #expect(try desk.ask("/v1/contexts/+0", method: "GET").status == 400)
        desk.archive.close()
        #expect(try desk.ask(Self.one, Self.json, method: "PUT", body: body).status == 503)
    }

    @Test(arguments: [
        ("", "JSON"), ("{", "JSON"), ("[]", "JSON"), ("{}", "fields is missing"),
        (#"{"fields":{}} x"#, "JSON"), (#"{"fields":null}"#, "fields is missing"),
        (#"{"fields":[]}"#, "fields cannot"), (#"{"fields":{"a":null}}"#, "fields cannot"),
        (#"{"fields":{"a":{}}}"#, "fields cannot"), (#"{"fields":{"a":"1","a":"2"}}"#, "fields cannot"),
        (#"{"fields":{"phone":"1"}}"#, "fields cannot"), (#"{"fields":{"":"1"}}"#, "fields cannot"),
        (#"{"fields":{},"fields":{}}"#, "fields cannot"), (#"{"field":{}}"#, "member field is not known"),
        (#"{"fields":{},"+15550199":1}"#, "(another one) is not known"),
        (#"{"fields":{},"15550199":1}"#, "(another one) is not known"),
    ])
    func badBodiesAreNamed(body: String, detail: String) throws {
        let desk = try TestDesk()
        let answer = try desk.ask(Self.one, Self.json, method: "PUT", body: body)
        #expect(answer.status == 400)
        #expect(answer.text.contains(#""code":"bad_body""#))
        #expect(answer.text.contains(detail), "\(answer.text)")
        #expect(!answer.text.contains("5550199"))
        #expect(try desk.archive.catalog.contexts().items.isEmpty)
    }

    static func imported(_ type: String, _ body: String) throws -> (TestDesk, TestDesk.Answer) {
        let desk = try TestDesk()
        let answer = try desk.ask(
            "/v1/contexts/import", ["Content-Type": type], method: "POST", body: body)
        return (desk, answer)
    }

    static let csv =
        "\u{FEFF}phone,name,note\r\n+15550100,\"Ada, \"\"A\"\"\",\"two\r\nlines\"\r\n\r\n+1 555 0101,,x\n"

    @Test(arguments: [
        ("text/csv", csv),
        (
            "application/json",
            #"[{"phone":"+15550100","name":"Ada, \"A\"","note":"two\r\nlines"},{"phone":"+15550101","fields":{"note":"x"},"updated_at":"2026-01-01"}]"#
        ),
    ])
    func anImportIsRead(type: String, body: String) throws {
        let (desk, answer) = try Self.imported(type, body)
        #expect(answer.status == 200)
        #expect(answer.text == #"{"added":2,"replaced":0,"unchanged":0}"#)
        let rows = try desk.archive.catalog.contexts().items
        #expect(rows.map(\.phone) == ["+15550100", "+15550101"])
        #expect(rows.map(\.fields) == [["name": "Ada, \"A\"", "note": "two\r\nlines"], ["note": "x"]])
        // What is written is read back.
        let again = ContextImport.read(Array(ContextImport.csv(rows).utf8), mediaType: "text/csv")
        #expect(try again.get().map(\.fields) == rows.map(\.fields))
    }

    @Test(arguments: [
        ("text/csv", "", "Line 1: The member phone is missing"),
        ("text/csv", "name,phone\n", "Line 1: The member phone is missing"),
        ("text/csv", "phone,a,a\n", "Line 1: the column a stands there twice."),
        ("text/csv", "phone,a,\n", "Line 1: a column has no name."),
        ("text/csv", "phone,a\n+15550100\n", "Line 2: it has not"),
        ("text/csv", "phone\n+15550100\n+1 5550100\n", "Line 3: The member phone cannot"),
        ("text/csv", "phone,a\n+15550100,\"x\ny\"\nbad number,1\n", "Line 4: The member phone cannot"),
        ("text/csv", "phone,a\n+15550100,x\"y\n", "Line 2: a quote"),
        ("text/csv", "phone,a\n+15550100,\"xy\n", "Line 2: a quote"),
        ("text/csv", "phone,a\n+15550100,\"x\"y\n", "Line 2: a quote"),
        ("application/json", "{}", "JSON"), ("application/json", "[1]", "Item 1: "),
        ("application/json", #"[{"phone":"+15550100"},{"a":"b"}]"#, "Item 2: The member phone is missing"),
        (
            "application/json", #"[{"phone":"+15550100"},{"phone":"+15550101","a":{}}]"#,
            "Item 2: The member a cannot"
        ),
        (
            "application/json", #"[{"phone":"+15550100","fields":{},"x":1}]"#,
            "Item 1: The member x is not known"
        ),
        ("application/json", #"[{"phone":15550100}]"#, "Item 1: The member phone cannot"),
    ])
    func badImportsStoreNothing(type: String, body: String, detail: String) throws {
        let (desk, answer) = try Self.imported(type, body)
        #expect(answer.status == 400)
        #expect(answer.text.contains(detail), "\(answer.text)")
        #expect(try desk.archive.catalog.contexts().items.isEmpty)
    }

    @Test func moreThanUsualIsKeptOnlyForWhoMayImport() throws {
        let desk = try TestDesk()
        func limit(_ method: String, _ path: String, token: String) -> Int? {
            desk.handler.bodyLimit(
                for: HTTPRequest(
                    method: method, path: path, headers: [("Authorization", "Bearer \(token)")],
                    remoteAddress: "10.0.0.1"))
        }
        #expect(limit("POST", "/v1/contexts/import", token: "secret") == 8 << 20)
        #expect(limit("POST", "/v1/contexts/import", token: "wrong") == nil)
        #expect(limit("GET", "/v1/contexts/import", token: "secret") == nil)
        #expect(limit("PUT", "/v1/contexts/+15550100", token: "secret") == nil)
    }

    @Test func aForeignPageChangesNothingAndReadsNothing() {
        let access = BearerAccess(tokens: [], openOnLoopback: true)
        for (method, origin, admitted) in [
            ("POST", "https://elsewhere.example", false), ("DELETE", "null", false), ("POST", nil, true),
            ("GET", "https://elsewhere.example", false), ("GET", nil, true),
            ("POST", "http://127.0.0.1:8765", true),
        ] as [(String, String?, Bool)] {
            let headers = [(name: "Host", value: "127.0.0.1:8765")] + (origin.map { [("Origin", $0)] } ?? [])
            let request = HTTPRequest(
                method: method, path: "/v1/calls", headers: headers, remoteAddress: "127.0.0.1")
            #expect(access.admits(request) == admitted)
        }
    }
}
