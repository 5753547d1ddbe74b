// `teeline` in a process of its own, run to its end.

import Foundation

/// What the program wrote and how it ended.
struct FinishedProgram {
    let status: Int32
    let output: String
    let errors: String

    /// Runs `words` in `folder`, in an environment of `variables` only; as another user than root when `asAnother`.
    init(
        _ words: [String], in folder: String, variables: [String: String] = [:], asAnother: Bool = false
    ) throws {
        let process = Process()
        var executable = try Self.executable()
        var arguments = words
        if asAnother, geteuid() == 0 {
            // Where that user can reach it, whatever the folder of the build is.
            let copy = folder + "/teeline"
            try FileManager.default.copyItem(atPath: executable.path, toPath: copy)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            // 65534 is nobody (Debian policy 9.2.2).
            arguments = ["--reuid=65534", "--regid=65534", "--clear-groups", copy] + words
            executable = URL(fileURLWithPath: "/usr/bin/setpriv")
        }
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin"].merging(variables) { $1 }
        let files = ["out", "err"].map { "\(folder)/\($0)-\(UUID().uuidString)" }
        for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
        process.standardOutput = FileHandle(forWritingAtPath: files[0])
        process.standardError = FileHandle(forWritingAtPath: files[1])
        try process.run()
        process.waitUntilExit()
        let texts = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        // A signal is told as a shell does.
        status =
            process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
        (output, errors) = (texts[0], texts[1])
    }

    /// The program beside the tests' own binary.
    static func executable() throws -> URL {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        for _ in 0..<4 {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("teeline")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        throw CocoaError(.fileNoSuchFile)
    }
}
