// The rules of the house, held against every source file.

import Foundation
import Testing

/// A Swift file of the package.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// From the package's folder on: "Sources/Audio/G711.swift".
    var path: String
    /// All of it.
    var text: String
    /// Its lines.
    var lines: [String]

    var testDescription: String { path }
    /// The folder below Sources or Tests: the target.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var name: String { String(path.split(separator: "/").last ?? "") }
    /// Whether `word` stands anywhere in it.
    func mentions(_ word: String) -> Bool { text.range(of: word, options: .literal) != nil }
    var isTest: Bool { path.hasPrefix("Tests/") }

    /// The package's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Every Swift file in Sources and Tests.
    static let all: [SourceFile] = ["Sources", "Tests"].flatMap { folder -> [SourceFile] in
        let entries = FileManager.default.enumerator(atPath: root + "/" + folder)?.allObjects ?? []
        let names: [String] = entries.compactMap { $0 as? String }
        return names.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
            let path = folder + "/" + name
            guard let bytes = FileManager.default.contents(atPath: root + "/" + path) else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            return SourceFile(path: path, text: text, lines: text.components(separatedBy: "\n"))
        }
    }
}

@Suite struct HouseRules {
    @Test func thereIsSomethingToLookAt() {
        #expect(SourceFile.all.count > 100)
        #expect(Manifest.doors.count > 15)
        #expect(Manifest.doors["Audio"] == ["CSpeexDSP", "CSpandsp", "COpus", "CAMRWB"])
        #expect(Manifest.doors["TapeTests"]?.contains("Tape") == true)
    }

    /// A room looks only where its doors lead (Package.swift).
    @Test(arguments: SourceFile.all) func doors(file: SourceFile) {
        // Fuzz targets are built by their own script, against every room.
        guard file.target != "Fuzz" else { return }
        guard let doors = Manifest.doors[file.target] else {
            Issue.record("\(file.path) belongs to no target of Package.swift")
            return
        }
        for module in Manifest.imports(of: file) where Manifest.rooms.contains(module) {
            #expect(doors.contains(module), "\(file.path) imports \(module), for which it has no door")
        }
    }

    /// Doors lead down: no room can be reached from itself.
    @Test(arguments: Manifest.doors.keys.sorted()) func noRoomIsBelowItself(room: String) {
        var below: Set<String> = []
        var open = Array(Manifest.doors[room] ?? [])
        while let next = open.popLast() {
            if below.insert(next).inserted { open += Manifest.doors[next] ?? [] }
        }
        #expect(!below.contains(room))
    }

    @Test(arguments: SourceFile.all) func length(file: SourceFile) {
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        #expect(count <= (file.isTest ? 500 : 300), "\(file.path) has \(count) lines")
    }

    @Test(arguments: SourceFile.all) func firstLineSaysWhatItIs(file: SourceFile) {
        let first = file.lines.first ?? ""
        #expect(first.hasPrefix("// ") && first.count > 10, "\(file.path) does not begin with a comment")
    }

    @Test(arguments: SourceFile.all) func names(file: SourceFile) {
        for word in ["Util", "Helper", "Manager", "Common"] {
            #expect(!file.name.contains(word), "\(file.path) is named for nothing it holds")
        }
    }

    /// What the house does not do, written in two halves so that this file is not among the finds.
    private static let forbidden = ["tr" + "y!", "a" + "s!", "fatal" + "Error", "TO" + "DO", "FIX" + "ME"]

    @Test(arguments: SourceFile.all) func words(file: SourceFile) {
        for word in Self.forbidden where file.mentions(word) {
            for (number, line) in file.lines.enumerated() where Self.holds(line, word) {
                Issue.record("\(file.path):\(number + 1) has \(word)")
            }
        }
    }

    /// Whether `word` stands in `line` and is not the end or beginning of a longer one.
    private static func holds(_ line: String, _ word: String) -> Bool {
        line.ranges(of: word).contains { range in
            let before =
                range.lowerBound == line.startIndex ? " " : line[line.index(before: range.lowerBound)]
            let after = range.upperBound == line.endIndex ? " " : line[range.upperBound]
            return !before.isLetter && !before.isNumber
                && (word.hasSuffix("!") ? after != "=" : !after.isLetter)
        }
    }

    /// A type that bears its module's name hides the module: `Net.Net.x` cannot be said.
    @Test(arguments: SourceFile.all.filter { !$0.isTest }) func noTypeBearsItsModulesName(file: SourceFile)
        throws
    {
        for kind in ["struct", "class", "enum", "actor", "protocol", "typealias"]
        where file.mentions("\(kind) \(file.target)") {
            let declaration = try Regex("\\b\(kind) \(file.target)\\b")
            for line in file.lines where !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") {
                #expect(line.firstMatch(of: declaration) == nil, "\(file.path): \(line)")
            }
        }
    }

    /// Nothing tells where or how it was written.
    @Test(arguments: SourceFile.all) func noPathOfAMachine(file: SourceFile) {
        for folder in ["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/"] {
            #expect(!file.mentions(folder), "\(file.path) names \(folder)")
        }
    }
}
