// Why a simulated call did not come about, in words.

import Glibc
import Net
import Testing

@testable import Simulator

@Suite struct FailureWordsTests {
    // errno.h and strerror(3) of Linux: 111 is ECONNREFUSED.
    @Test(arguments: [
        (NetError.system(operation: "connect", errno: 111), "connect: Connection refused"),
        (.refused(status: 503), "refused with status 503"), (.unresolved, "its name has no address"),
        (.cannotListen(errno: EADDRINUSE), "no port: Address already in use"),
    ])
    func words(error: NetError, text: String) { #expect(FailureWords.text(error) == text) }

    @Test func aRunAgainstNobodySaysSo() async throws {
        // Port 1 (tcpmux) of the loopback: nobody serves it.
        let settings = LoadSettings(
            shares: [LoadShare(.twilio, url: "ws://127.0.0.1:1/twilio/media-stream")], calls: 1,
            seconds: 1, rampMilliseconds: 1)
        let report = try await LoadRun.run(settings)
        #expect(report.errors == ["never opened: connect: Connection refused": 1])
    }
}
