// The doctor's look at the machine: libraries, clock, port, limits.

import CLame
import CCurl
import CMicroHTTPD
import COpenSSL
import CLinux
import CSQLite
import Exchange
import Glibc
import Net

/// Checks of what the server stands on.
enum MachineChecks {
    /// The libraries that are loaded now, which need not be those it was built with.
    static func libraries() -> [DoctorFinding] {
        let sqlite = String(cString: sqlite3_libversion())
        let lame = String(cString: get_lame_version())
        var findings: [DoctorFinding] = []
        findings.append(
            sqlite3_libversion_number() >= 3_038_000
                ? .ok("SQLite", sqlite)
                : .fail("SQLite", "\(sqlite) is too old", "install libsqlite3-0 of 3.38 or later"))
        findings.append(
            lame.hasPrefix("3.100")
                ? .ok("LAME", lame)
                : .warn("LAME", "\(lame); recordings were proved with 3.100", "install libmp3lame0 3.100"))
        findings.append(.ok("libmicrohttpd", String(cString: MHD_get_version())))
        findings.append(.ok("libcurl", curl_version().map { String(cString: $0) } ?? "of no known version"))
        findings.append(.ok("OpenSSL", String(cString: OpenSSL_version(OPENSSL_VERSION_STRING))))
        return findings
    }

    /// Whether the clock is kept: calls are filed by it.
    static func clock() -> DoctorFinding {
        let remedy = "timedatectl set-ntp true, or install chrony"
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        // 2026-01-01: before this program was written no call can have been recorded by it.
        guard now.tv_sec > 1_767_225_600 else { return .fail("clock", "is set to the past", remedy) }
        var state = timex()
        guard adjtimex(&state) >= 0 else {
            return .warn("clock", "the kernel does not tell its state", remedy)
        }
        guard state.status & STA_UNSYNC == 0 else {
            return .warn("clock", "the kernel does not know it as synchronised", remedy)
        }
        return .ok("clock", "synchronised")
    }

    /// Whether the port is free, or our own server's.
    static func port(_ settings: Settings) async -> [DoctorFinding] {
        guard settings.port != 0 else { return [.ok("port", "the system chooses one at every start")] }
        let name = "\(settings.host) port \(settings.port)"
        do throws(NetError) {
            let server = try HTTPServer.start(
                HTTPServerSettings(host: settings.host, port: settings.port), handler: NothingHere())
            server.stop()
            return [.ok("port", "\(name) is free")]
        } catch {
            guard case .cannotListen(EADDRINUSE) = error else {
                let reason =
                    if case .cannotListen(let code) = error { String(cString: strerror(code)) } else {
                        AgentChecks.reason(error)
                    }
                return [
                    .fail(
                        "port", "\(name) cannot be bound: \(reason)",
                        "set HOST to an address of this machine, PORT above 1023")
                ]
            }
            return [await taken(settings, name)]
        }
    }

    private static func taken(_ settings: Settings, _ name: String) async -> DoctorFinding {
        let client = HTTPClient()
        defer { client.close() }
        let host = settings.host == "0.0.0.0" || settings.host == "::" ? "127.0.0.1" : settings.host
        let address = host.contains(":") ? "[\(host)]" : host
        do throws(NetError) {
            let answer = try await client.send(
                HTTPClientRequest(
                    method: "GET", url: "http://\(address):\(settings.port)/readyz", timeoutMilliseconds: 3000
                )
            )
            let body = String(decoding: answer.body, as: UTF8.self)
            if body.contains("\"ready\":true") {
                return .ok("port", "a server answers on \(name) and takes calls")
            }
            if body.contains("\"ready\":false") {
                return .warn(
                    "port", "a server answers on \(name) and takes no calls",
                    "it drains; wait, or start it again")
            }
        } catch {
            // What holds the port does not speak HTTP: said below.
        }
        return .fail("port", "\(name) is taken by another program", "stop it (ss -ltnp shows it) or set PORT")
    }

    /// Whether sockets of all calls can be open at once.
    static func descriptors(_ settings: Settings) -> DoctorFinding {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .warn("open files", "the limit cannot be asked", "")
        }
        // A call has two sockets, a tape and a file that is being made; the rest is for the API.
        let needed = UInt64(settings.maxCalls) * 4 + 256
        let text = "limit \(limit.rlim_cur), \(needed) for \(settings.maxCalls) calls"
        guard limit.rlim_cur < needed else { return .ok("open files", text) }
        return .warn(
            "open files", text,
            "ulimit -n \(needed), LimitNOFILE=\(needed) in the unit, or a lower limits.calls")
    }

    private struct NothingHere: HTTPHandler {
        func respond(to request: HTTPRequest) -> HTTPOutcome { .response(HTTPResponse(status: 503)) }
    }
}
