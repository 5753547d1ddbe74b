// `teeline doctor`: is everything there that a server needs?

import Exchange

/// One thing that was looked at.
struct DoctorFinding: Sendable, Hashable {
    /// How bad it is.
    enum Grade: String { case ok, warn, fail = "FAIL" }

    var grade: Grade
    /// What was looked at.
    var subject: String
    /// What was found.
    var text: String
    /// How to mend it; empty when there is nothing to mend.
    var remedy = ""

    static func ok(_ subject: String, _ text: String) -> DoctorFinding {
        DoctorFinding(grade: .ok, subject: subject, text: text)
    }
    static func warn(_ subject: String, _ text: String, _ remedy: String) -> DoctorFinding {
        DoctorFinding(grade: .warn, subject: subject, text: text, remedy: remedy)
    }
    static func fail(_ subject: String, _ text: String, _ remedy: String) -> DoctorFinding {
        DoctorFinding(grade: .fail, subject: subject, text: text, remedy: remedy)
    }
}

/// Looks at everything and prints a line each.
struct DoctorCommand {
    private let arguments: ParsedArguments

    init(_ arguments: ParsedArguments) { self.arguments = arguments }

    func run() async -> ExitCode {
        var failed = false
        func tell(_ findings: [DoctorFinding]) {
            for finding in findings {
                failed = failed || finding.grade == .fail
                for line in Self.lines(finding) { Console.print(styled: line) }
            }
        }
        let (settings, findings) = SettingsChecks.load(ServerEnvironment(arguments))
        tell(findings)
        if let settings { tell(SettingsChecks.findings(settings)) }
        let storage = arguments.values["--storage"] ?? settings?.storage ?? "storage"
        tell(StorageChecks(storage: storage).findings())
        tell(MachineChecks.libraries())
        tell([MachineChecks.clock()])
        if let settings {
            tell(await MachineChecks.port(settings))
            tell([MachineChecks.descriptors(settings)])
            if arguments.flags.contains("--offline") {
                tell([.warn("agent", "not asked (--offline)", "")])
            } else {
                tell(await AgentChecks(settings).findings())
            }
        }
        return failed ? .failure : .success
    }

    /// A finding as lines: grade, subject, text; the remedy below.
    static func lines(_ finding: DoctorFinding) -> [String] {
        let colour = [DoctorFinding.Grade.ok: 32, .warn: 33, .fail: 31][finding.grade] ?? 0
        let grade = Console.coloured(TextTable.padded(finding.grade.rawValue, 4), colour)
        let head = "\(grade)  \(TextTable.padded(finding.subject, 13))  \(ShownText.of(finding.text))"
        return finding.remedy.isEmpty
            ? [head] : [head, String(repeating: " ", count: 21) + "→ \(ShownText.of(finding.remedy))"]
    }
}
