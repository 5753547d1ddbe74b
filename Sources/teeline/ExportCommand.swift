// `teeline export`: every finished recording to a folder, as MP3 and JSON.

import Archive
import Foundation

/// Copies recordings out of the archive.
struct ExportCommand {
    private let arguments: ParsedArguments
    private let folder: String
    private let storage: String
    private let catalog: Catalog

    /// What an export came to.
    struct Tally {
        var written = 0
        var updated = 0
        var unchanged = 0
        var unfinished = 0
        var withoutRecording = 0
        var problems: [String] = []
    }

    init(_ arguments: ParsedArguments) throws(CommandFailure) {
        self.arguments = arguments
        folder = arguments.operands.first ?? "."
        storage = try ServerEnvironment(arguments).storage(arguments)
        catalog = Catalog(StorageLayout(root: storage))
    }

    func run() throws(CommandFailure) -> ExitCode {
        let query = try FilterOptions.query(arguments)
        let ids = try identifiers(query.filter)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure(
                .failure, "the folder \(folder) cannot be made: check its name and permissions")
        }
        var tally = Tally()
        for id in ids { try export(id, into: &tally) }
        tell(tally)
        return tally.problems.isEmpty ? .success : .failure
    }

    /// All calls of the filter, oldest first: of two with one name the earlier gets it, whatever comes later.
    private func identifiers(_ filter: CallFilter) throws(CommandFailure) -> [String] {
        var ids: [String] = []
        var cursor: String?
        do throws(ArchiveError) {
            repeat {
                let page = try catalog.list(filter, cursor: cursor, limit: Catalog.pageLimit)
                ids += page.items.map(\.call.id)
                cursor = page.next
            } while cursor != nil
        } catch {
            throw CommandFailure(error, storage: storage)
        }
        return ids.reversed()
    }

    private func export(_ id: String, into tally: inout Tally) throws(CommandFailure) {
        let stored: RecordingDetail?
        do throws(ArchiveError) {
            stored = try catalog.detail(id)
        } catch {
            throw CommandFailure(error, storage: storage)
        }
        guard let detail = stored else { return }
        guard detail.recording.state.isFinal else {
            tally.unfinished += 1
            return
        }
        guard detail.recording.state != .failed else {
            tally.withoutRecording += 1
            return
        }
        do throws(CommandFailure) {
            switch try write(detail) {
            case .written: tally.written += 1
            case .updated: tally.updated += 1
            case .unchanged: tally.unchanged += 1
            }
        } catch {
            tally.problems.append(error.message)
        }
    }

    /// What there was to do for one call.
    private enum Outcome { case written, updated, unchanged }

    /// Writes both files. The JSON comes last: where it stands, the MP3 is whole.
    private func write(_ detail: RecordingDetail) throws(CommandFailure) -> Outcome {
        let name = try freeName(of: detail.call)
        var isNew = false
        var audio: String?
        if detail.recording.hasAudio {
            let content = try CheckedFile.audio(of: detail.recording, in: catalog.layout)
            let file = name + "." + detail.recording.format.rawValue
            let path = folder + "/" + file
            switch try CheckedFile.write(content, to: path) {
            case .written: isNew = true
            case .unchanged: break
            case .differs:
                throw CommandFailure(.failure, "\(path) is there and is something else; it was left as it is")
            }
            audio = file
        }
        let path = folder + "/" + name + ".json"
        let document = try ExportDocument.json(detail, audio: audio)
        switch try CheckedFile.write(document, to: path) {
        case .written: isNew = true
        case .unchanged: break
        case .differs:
            // What was sealed stays; what is told of the call afterwards (ElevenLabs' conversation, a carrier's
            // transcript) comes later, and belongs into the same document.
            guard ExportDocument.isSuperseded(path, by: document) else {
                throw CommandFailure(
                    .failure, "\(path) is there and says something else; it was left as it is")
            }
            try CheckedFile.replace(path, with: document)
            return isNew ? .written : .updated
        }
        return isNew ? .written : .unchanged
    }

    /// The carrier's id as a name, or with ours behind it when another call has that name in the folder.
    private func freeName(of call: CallRow) throws(CommandFailure) -> String {
        let name = CarrierFileName.name(of: call.carrierCallID)
        let long = CarrierFileName.unique(call.carrierCallID, id: call.id)
        guard !name.isEmpty, !CarrierFileName.isCut(call.carrierCallID) else { return long }
        let path = folder + "/" + name
        if FileManager.default.fileExists(atPath: path + ".json") {
            return ExportDocument.identifier(inFile: path + ".json") == call.id ? name : long
        }
        // Audio without its JSON: an export that was cut short, of this call or another.
        for format in RecordingFormat.allCases {
            let audio = path + "." + format.rawValue
            guard FileManager.default.fileExists(atPath: audio) else { continue }
            return try catalogAudio(call.id) == fileDigest(audio) ? name : long
        }
        return name
    }

    private func catalogAudio(_ id: String) throws(CommandFailure) -> Digest? {
        do throws(ArchiveError) {
            return try catalog.call(id)?.recording.sha256
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }

    private func fileDigest(_ path: String) -> Digest? {
        FileManager.default.contents(atPath: path).map { Digest.sha256(Array($0)) }
    }

    private func tell(_ tally: Tally) {
        var parts = ["\(tally.written) written", "\(tally.unchanged) there already"]
        if tally.updated > 0 { parts.insert("\(tally.updated) updated", at: 1) }
        if tally.unfinished > 0 { parts.append("\(tally.unfinished) not finished yet") }
        if tally.withoutRecording > 0 {
            parts.append("\(tally.withoutRecording) calls have no recording (failed)")
        }
        if !tally.problems.isEmpty { parts.append("\(tally.problems.count) not exported") }
        Console.print("\(folder): " + parts.joined(separator: ", "))
        for problem in tally.problems { Console.complain("teeline: \(problem)") }
    }
}
