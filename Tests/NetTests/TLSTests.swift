// TLS of client WebSockets: a certificate authority made for the test, and who is believed.

import COpenSSL
import Foundation
import Glibc
import Patience
import Testing

@testable import Net

/// A certificate authority and certificates in a folder of their own.
private struct Authority {
    let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/net-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["ca", "other"] {
            try openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name)"
                    + " -keyout \(name).key -out \(name).pem")
        }
        try issue("right", names: "DNS:localhost,IP:127.0.0.1", days: "-days 2")
        try issue("wrong", names: "DNS:elsewhere.example", days: "-days 2")
        try issue("expired", names: "DNS:localhost,IP:127.0.0.1", days: "-days -1")
    }

    /// A certificate for `names`, signed by "ca".
    private func issue(_ name: String, names: String, days: String) throws {
        try "subjectAltName=\(names)\n".write(
            toFile: folder + "/\(name).ext", atomically: true, encoding: .utf8)
        try openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) -keyout \(name).key"
                + " -out \(name).csr")
        try openssl(
            "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial \(days) -extfile \(name).ext"
                + " -out \(name).pem")
    }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    func remove() throws { try FileManager.default.removeItem(atPath: folder) }
}

/// One end of a TLS connection that blocks.
private struct Secured {
    let session: OpaquePointer
    func read(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes.withUnsafeMutableBytes {
                SSL_read(session, $0.baseAddress.map { $0 + have }, Int32(count - have))
            }
            if got <= 0 { break }
            have += Int(got)
        }
        return Array(bytes.prefix(have))
    }
    func write(_ bytes: [UInt8]) { SSL_write(session, bytes, Int32(bytes.count)) }
    /// A header up to its empty line; nil at the end.
    func readHead() -> String? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) {
            let byte = read(1)
            if byte.isEmpty { return nil }
            head += byte
        }
        return String(decoding: head, as: UTF8.self)
    }
}

/// Speaks TLS with certificate `name` on `socket`, as `script` says.
private func secure(
    _ socket: RawSocket, folder: String, name: String, version: Int32 = 0, _ script: (Secured) -> Void
) {
    guard let context = SSL_CTX_new(TLS_server_method()) else { return }
    defer { SSL_CTX_free(context) }
    if version != 0 { SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil) }
    SSL_CTX_use_certificate_file(context, "\(folder)/\(name).pem", SSL_FILETYPE_PEM)
    SSL_CTX_use_PrivateKey_file(context, "\(folder)/\(name).key", SSL_FILETYPE_PEM)
    guard let session = SSL_new(context) else { return }
    defer { SSL_free(session) }
    SSL_set_fd(session, socket.descriptor)
    guard SSL_accept(session) == 1 else { return }
    script(Secured(session: session))
    SSL_shutdown(session)
}

/// Answers the upgrade, echoes one message, closes.
private func echo(_ peer: Secured) {
    guard let request = peer.readHead() else { return }
    let key =
        request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
    peer.write(
        Array(
            ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                + webSocketAccept(String(key)) + "\r\n\r\n").utf8))
    // The client's one message: 200,000 bytes, masked, with a 64-bit length.
    let header = peer.read(14)
    guard header.count == 14, header[1] == 0xFF else { return }
    let payload = peer.read(200_000).enumerated().map { $1 ^ header[10 + $0 % 4] }
    peer.write(frame(1, payload, mask: nil) + frame(8, [3, 232], mask: nil))
    _ = peer.read(8)
}

extension NetTests {
    @Suite struct TLSTests {
        private static func connect(
            host: String, certificate: String, trusted: String? = "ca", version: Int32 = 0
        ) throws -> RecordingHandler {
            signal(SIGPIPE, SIG_IGN)  // the test's own server writes by OpenSSL's socket BIO
            let authority = try Authority()
            let folder = authority.folder
            let listener = try RawListener {
                secure($0, folder: folder, name: certificate, version: version, echo)
            }
            let trust = try #require(TLSTrust(authority: trusted.map { "\(folder)/\($0).pem" }))
            let before = restingDescriptors()
            let loop = try EventLoop.start(name: "tls")
            let text = [UInt8](repeating: 66, count: 200_000)
            let handler = RecordingHandler(onOpen: { $0.send(text: text) })
            let url = "wss://\(host):\(listener.port)/"
            loop.execute {
                _ = WebSocketConnection.connect(
                    to: url, headers: [], trust: trust, on: loop, limits: WebSocketLimits(), handler: handler)
            }
            #expect(waitUntil { handler.isClosed })
            loop.stop()
            listener.stop()
            #expect(waitUntil { openedSince(before).isEmpty })
            try authority.remove()
            return handler
        }

        @Test(arguments: ["localhost", "127.0.0.1"])
        func `the right host is believed and the bytes go both ways`(_ host: String) throws {
            let handler = try Self.connect(host: host, certificate: "right")
            #expect(handler.close?.error == nil)
            #expect(handler.close?.code == 1000)
            #expect(handler.messages == [[UInt8](repeating: 66, count: 200_000)])
        }

        @Test func `TLS 1-2 is spoken, 1-1 is not`() throws {
            let good = try Self.connect(host: "localhost", certificate: "right", version: TLS1_2_VERSION)
            #expect(good.close?.code == 1000)
            let bad = try Self.connect(host: "localhost", certificate: "right", version: TLS1_1_VERSION)
            guard case .tls = bad.close?.error else {
                Issue.record("TLS 1.1 was not refused")
                return
            }
        }

        // The reasons are OpenSSL's own (X509_verify_cert_error_string).
        @Test(arguments: [
            ("localhost", "wrong", "ca", "hostname mismatch"),
            ("127.0.0.1", "wrong", "ca", "IP address mismatch"),
            ("localhost", "expired", "ca", "certificate has expired"),
            ("localhost", "right", "other", "unable to get local issuer certificate"),
            ("localhost", "right", nil, "unable to get local issuer certificate"),
            ("localhost", "other", "ca", "self-signed certificate"),
        ])
        func `others are refused`(_ host: String, _ certificate: String, _ trusted: String?, _ reason: String)
            throws
        {
            let handler = try Self.connect(host: host, certificate: certificate, trusted: trusted)
            #expect(!handler.isOpen)
            #expect(handler.close?.code == 1006)
            #expect(handler.close?.error == .tls(reason: reason))
        }

        /// What a GET of the REST client comes to.
        private static func fetch(
            host: String, certificate: String, trusted: String, version: Int32 = 0
        ) async throws -> Result<HTTPClientResponse, NetError> {
            let authority = try Authority()
            let folder = authority.folder
            let listener = try RawListener {
                secure($0, folder: folder, name: certificate, version: version) { peer in
                    guard peer.readHead()?.hasPrefix("GET /x HTTP/1.1\r\n") == true else { return }
                    peer.write(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
                }
            }
            let client = HTTPClient(connectionsPerHost: 1, authority: "\(folder)/\(trusted).pem")
            var result: Result<HTTPClientResponse, NetError>
            do throws(NetError) {
                result = .success(
                    try await client.send(HTTPClientRequest(url: "https://\(host):\(listener.port)/x")))
            } catch {
                result = .failure(error)
            }
            client.close()
            listener.stop()
            try authority.remove()
            return result
        }

        @Test(arguments: [("localhost", Int32(0)), ("127.0.0.1", 0), ("localhost", TLS1_2_VERSION)])
        func `the REST client believes the right host`(_ host: String, _ version: Int32) async throws {
            let answer = try await Self.fetch(
                host: host, certificate: "right", trusted: "ca", version: version
            ).get()
            #expect(answer.status == 200 && answer.body == Array("ok".utf8))
        }

        @Test(arguments: [
            ("localhost", "wrong", "ca", Int32(0), nil),
            ("127.0.0.1", "wrong", "ca", 0, nil),
            ("localhost", "expired", "ca", 0, "certificate has expired"),
            ("localhost", "right", "other", 0, "unable to get local issuer certificate"),
            ("localhost", "other", "ca", 0, "self-signed certificate"),
            ("localhost", "right", "ca", TLS1_1_VERSION, nil),
        ])
        func `the REST client believes no other`(
            _ host: String, _ certificate: String, _ trusted: String, _ version: Int32, _ reason: String?
        ) async throws {
            let outcome = try await Self.fetch(
                host: host, certificate: certificate, trusted: trusted, version: version)
            guard case .failure(.tls(let told)) = outcome else {
                Issue.record("not refused")
                return
            }
            if let reason { #expect(told == reason) }
        }

        @Test func `a server that speaks no TLS is an error`() throws {
            let listener = try RawListener { socket in
                _ = socket.read()
                socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            }
            let loop = try EventLoop.start(name: "tls")
            let handler = RecordingHandler()
            let url = "wss://127.0.0.1:\(listener.port)/"
            loop.execute {
                _ = WebSocketConnection.connect(
                    to: url, on: loop, limits: WebSocketLimits(), handler: handler)
            }
            #expect(waitUntil { handler.isClosed })
            guard case .tls = handler.close?.error else {
                Issue.record("no TLS error")
                return
            }
            loop.stop()
            listener.stop()
        }
    }
}
