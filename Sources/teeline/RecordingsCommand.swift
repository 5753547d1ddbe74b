// `teeline recordings`: list, show, download, from the archive itself.

import Archive
import Desk
import Foundation

/// Reads the archive, beside a running server or without one.
struct RecordingsCommand {
    private let arguments: ParsedArguments
    private let storage: String
    private let catalog: Catalog

    init(_ arguments: ParsedArguments) throws(CommandFailure) {
        self.arguments = arguments
        storage = try ServerEnvironment(arguments).storage(arguments)
        catalog = Catalog(StorageLayout(root: storage))
    }

    private var wantsJSON: Bool { arguments.flags.contains("--json") }

    /// Prints a page of recordings.
    func list() throws(CommandFailure) -> ExitCode {
        let query = try FilterOptions.query(arguments)
        let page = try CommandFailure.reading(storage) { () throws(ArchiveError) in
            try catalog.list(query.filter, cursor: query.cursor, limit: query.limit)
        }
        if wantsJSON {
            Console.print(json: RecordingJSON.page(page))
            return .success
        }
        let rows = page.items.map { Self.row($0) }
        let head = [
            "ID", "STARTED (UTC)", "CARRIER", "CALLER", "CALLED", "LENGTH", "STATE", "END", "CALL ID",
        ]
        for line in TextTable.lines(head: head, rows: rows) { Console.print(line) }
        if let next = page.next { Console.print("\nMore: --cursor \(next)") }
        return .success
    }

    private static func row(_ listed: ListedCall) -> [String] {
        let call = listed.call
        let length = listed.recording.samples ?? call.durationSamples
        let rate = listed.recording.samples == nil ? call.rate : listed.recording.rate ?? call.rate
        return [
            call.id, String(ArchiveTime.rfc3339(call.startedAt).prefix(19)), call.carrier, call.caller ?? "-",
            call.called ?? "-", TextTable.time(TextTable.milliseconds(length, rate: rate)),
            listed.recording.state.rawValue, call.endWho.map { "\($0.rawValue):\(call.endWhy ?? "")" } ?? "-",
            call.carrierCallID,
        ]
    }

    /// Prints everything of one recording.
    func show() throws(CommandFailure) -> ExitCode {
        let detail = try named()
        if wantsJSON {
            Console.print(json: RecordingJSON.detail(detail))
            return .success
        }
        var rows = RecordingText.facts(detail)
        let call = detail.call
        rows += [
            ["caller", call.caller ?? "unknown"], ["called", call.called ?? "unknown"],
            ["agent", call.agentID ?? "unknown"], ["conversation", call.conversationID ?? "unknown"],
            ["file", detail.recording.path.map { catalog.layout.absolute($0) } ?? "none"],
            ["events", "\(detail.events.count)"],
        ]
        if let metrics = detail.metrics {
            rows.append([
                "frames",
                "\(metrics.framesReceived) received, \(metrics.framesLost) lost, \(metrics.framesLate) late, \(metrics.framesDuplicate) twice",
            ])
            rows.append(["interruptions", "\(metrics.interruptions)"])
        }
        for line in TextTable.lines(head: [], rows: rows) { Console.print(line) }
        Console.print()
        for line in RecordingText.turns(detail) { Console.print(line) }
        return .success
    }

    /// Copies the MP3 or the transcript.
    func download() throws(CommandFailure) -> ExitCode {
        let detail = try named()
        let form = arguments.values["--transcript"].flatMap { TranscriptForm(rawValue: $0) }
        let id = detail.call.id
        guard detail.recording.state.isFinal else {
            throw CommandFailure(
                .failure, "\(id) is \(detail.recording.state.rawValue): ask again when the call is over")
        }
        let content: Data
        if let form {
            let transcript = Transcript(callID: id, rate: detail.call.rate, turns: detail.turns)
            content = Data(transcript.render(form).utf8)
        } else {
            content = try CheckedFile.audio(of: detail.recording, in: catalog.layout)
        }
        let output =
            arguments.values["--output"] ?? "\(id).\(form?.rawValue ?? detail.recording.format.rawValue)"
        if output == "-" {
            FileHandle.standardOutput.write(content)
            return .success
        }
        guard try CheckedFile.write(content, to: output) != .differs else {
            throw CommandFailure(
                .failure, "\(output) exists and is something else: choose another name with --output")
        }
        Console.print("\(output)  \(TextTable.size(Int64(content.count)))")
        return .success
    }

    /// The recording that the operand names by our identifier or by the carrier's.
    private func named() throws(CommandFailure) -> RecordingDetail {
        let name = arguments.operands.first ?? ""
        var filter = CallFilter()
        filter.callID = name
        let asked = filter
        let found = try CommandFailure.reading(storage) { () throws(ArchiveError) in
            try catalog.list(asked, limit: 20).items
        }
        guard let first = found.first else {
            throw CommandFailure(
                .notFound, "there is no call of that id in \(storage): see `teeline recordings list`")
        }
        guard found.count == 1 || found.contains(where: { $0.call.id == name }) else {
            let ids = found.map { "  " + $0.call.id }.joined(separator: "\n")
            throw CommandFailure(.notFound, "several calls have that id; use one of ours:\n\(ids)")
        }
        let id = found.first { $0.call.id == name }?.call.id ?? first.call.id
        let detail = try CommandFailure.reading(storage) { () throws(ArchiveError) in try catalog.detail(id) }
        guard let detail else { throw CommandFailure(.notFound, "the call was removed meanwhile") }
        return detail
    }
}
