// What the program's exit status says, and errors that carry one.

import Archive
import Exchange
import Glibc
import Net

/// The exit status of the program. The numbers are documented in the README and never change their meaning.
enum ExitCode: Int32, CaseIterable {
    /// Done.
    case success = 0
    /// Done in part, or something was found wrong.
    case failure = 1
    /// The command line cannot be understood.
    case usage = 2
    /// The configuration is wrong.
    case configuration = 3
    /// The storage cannot be used.
    case storage = 4
    /// An address cannot be bound or reached.
    case network = 5
    /// There is no such call or context.
    case notFound = 6
    /// The archive and ElevenLabs' list are not the same.
    case differs = 7

    /// One line for the help.
    var meaning: String {
        switch self {
        case .success: "done"
        case .failure: "done in part, or something was found wrong"
        case .usage: "the command line cannot be understood"
        case .configuration: "the configuration is wrong"
        case .storage: "the storage cannot be used"
        case .network: "an address cannot be bound or reached"
        case .notFound: "no such call or context"
        case .differs: "the archive and ElevenLabs' list differ"
        }
    }
}

/// Why a command ended without doing its work: a status, and what to do about it.
struct CommandFailure: Error {
    var code: ExitCode
    var message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: SettingsError) {
        self.init(.configuration, "the configuration is wrong:\n\(error)\nSee `teeline help settings`.")
    }

    init(_ error: ExchangeError, storage: String) {
        switch error {
        case .archive(let error): self.init(error, storage: storage)
        case .key: self.init(.configuration, "\(error)")
        case .net(.cannotListen, _, _): self.init(.network, "\(error)")
        case .net(let cause, _, _):
            self.init(.network, "the server cannot start: \(AgentChecks.reason(cause))")
        }
    }

    /// What `body` reads from the archive in `storage`; its errors in words.
    static func reading<Answer>(
        _ storage: String, _ body: () throws(ArchiveError) -> Answer
    ) throws(CommandFailure) -> Answer {
        do throws(ArchiveError) {
            return try body()
        } catch {
            throw CommandFailure(error, storage: storage)
        }
    }

    init(_ error: ArchiveError, storage: String?) {
        let place = storage.map { " (storage: \($0))" } ?? ""
        let hint = Self.remedy(error).map { ". " + $0.prefix(1).uppercased() + $0.dropFirst() } ?? ""
        let code: ExitCode = error == .unknownCall ? .notFound : error == .badCursor ? .usage : .storage
        self.init(code, "\(error)\(place)\(hint)")
    }

    /// What to do about an error of the archive; nil where nobody can tell.
    static func remedy(_ error: ArchiveError) -> String? {
        switch error {
        case .storageLocked: "stop that server, or choose another folder with --storage"
        case .noArchive: "nothing was recorded there yet; choose the folder with --storage"
        case .unreadableFolder: "run this as the user of the server"
        case .file(_, let errno) where errno == EACCES || errno == EPERM:
            "run this as the user of the server, or check owner and mode of the storage folder"
        case .file(.makeFolder, let errno) where errno == ENOENT || errno == ELOOP:
            "a symbolic link leads nowhere, or nothing can be made there: is its volume mounted?"
        case .file(.makeFolder, let errno) where errno == ENOTDIR:
            "something on the way is no folder; choose another with --storage"
        default: nil
        }
    }
}
