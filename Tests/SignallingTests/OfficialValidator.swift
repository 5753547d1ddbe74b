// Asks a carrier's own Python package.

import Foundation
import Testing

/// One of the packages of Tests/requirements.txt.
enum OfficialValidator: String {
    case twilio, telnyx, elevenlabs

    /// Why a package cannot be asked.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The answers to `lines`, one each, by one process.
    func answers(to lines: [JSONDictionary]) throws -> [JSONDictionary] {
        let script = try #require(Bundle.module.url(forResource: "Validators/official", withExtension: "py"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "official-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
        var text = Data()
        for line in lines { text += try JSONSerialization.data(withJSONObject: line) + [0x0A] }
        try text.write(to: input)
        try Data().write(to: output)

        let process = Process()
        process.executableURL = try Self.interpreter()
        process.arguments = ["-X", "utf8", script.path, rawValue]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(rawValue)'s package failed: see the lines above")
        }
        let answers = try Data(contentsOf: output).split(separator: 0x0A).map {
            try #require(JSONSerialization.jsonObject(with: $0) as? JSONDictionary)
        }
        try #require(answers.count == lines.count)
        return answers
    }

    /// The interpreter that has the packages: TEELINE_TEST_PYTHON, or what `make .build/python` installs.
    private static func interpreter() throws -> URL {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path =
            ProcessInfo.processInfo.environment["TEELINE_TEST_PYTHON"]
            ?? root.appendingPathComponent(".build/python/bin/python").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure(
                description: "No Python at \(path). `make .build/python` installs the carriers' validators; "
                    + "TEELINE_TEST_PYTHON names another interpreter that has Tests/requirements.txt.")
        }
        return URL(fileURLWithPath: path)
    }
}
