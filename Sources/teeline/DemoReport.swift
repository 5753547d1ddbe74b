// What the demo's call left in the archive, and how to fetch it.

import Archive
import Foundation
import Net
import Simulator

/// The table after the demo's call.
struct DemoReport {
    let detail: RecordingDetail
    let result: SimulatedCallResult
    let layout: StorageLayout
    let port: UInt16

    /// All lines.
    /// - Throws: `CommandFailure` when the recording is not what its row says.
    func lines() async throws(CommandFailure) -> [String] {
        var lines = ["", Console.bold("Recorded")]
        lines += RecordingText.turns(detail).map { "  " + $0 }
        lines.append("")
        lines += TextTable.lines(head: [], rows: try await facts()).map { "  " + $0 }
        let base = "http://127.0.0.1:\(port)/v1/recordings/\(detail.call.id)"
        lines += [
            "", Console.bold("Fetch it"), "  \(base)/audio.mp3",
            "  \(base)/transcript.txt   (.json .vtt .srt)",
            "  curl -fsSo call.mp3 \(base)/audio.mp3",
        ]
        return lines
    }

    private func facts() async throws(CommandFailure) -> [[String]] {
        var rows = RecordingText.facts(detail)
        rows.append(["file", detail.recording.path.map { layout.absolute($0) } ?? "none"])
        rows.append(["checked", try await check()])
        if let reaction = result.clearReaction(after: interruption) {
            rows.append([
                "barge-in",
                "clear reached the carrier \(TextTable.decimal(reaction, digits: 0)) ms after the caller's first sound (the agent listens for \(DemoScript.agent.bargeInMilliseconds) ms before it gives way)",
            ])
        }
        return rows
    }

    /// Where the caller begins to interrupt, in samples.
    private var interruption: Int64 {
        Int64(DemoScript.interruptionMilliseconds) * Int64(result.rate) / 1000
    }

    /// Fetches the MP3 as a client would and compares it with its row.
    private func check() async throws(CommandFailure) -> String {
        let client = HTTPClient()
        defer { client.close() }
        let response: HTTPClientResponse
        do throws(NetError) {
            response = try await client.send(
                HTTPClientRequest(
                    method: "GET", url: "http://127.0.0.1:\(port)/v1/recordings/\(detail.call.id)/audio.mp3"))
        } catch {
            throw CommandFailure(.network, "the recording could not be fetched: \(AgentChecks.reason(error))")
        }
        guard response.status == 200 else {
            throw CommandFailure(.failure, "the recording could not be fetched: status \(response.status)")
        }
        guard Digest.sha256(response.body) == detail.recording.sha256 else {
            throw CommandFailure(.failure, "the fetched recording is not what was sealed")
        }
        return "fetched over HTTP, same length and SHA-256"
    }
}
