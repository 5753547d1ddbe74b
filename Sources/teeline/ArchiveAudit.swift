// Is everything as it was sealed? Files, rows and ledger, compared.

import Archive

/// One thing that an audit found.
struct AuditFinding: Sendable, Hashable {
    /// Whether something is wrong (`fault`), or only not finished or not tidy (`note`).
    enum Grade: String, Sendable { case fault, note }

    var grade: Grade
    /// What, as one word that does not change.
    var kind: String
    /// The call, or the conversation of an audio of ElevenLabs', where there is one.
    var id: String?
    /// The file below the storage, where there is one.
    var path: String?
    /// What is wrong, for people.
    var text: String
}

/// What an audit looked at, and what it found.
struct AuditReport: Sendable, Hashable {
    /// Rows of recordings.
    var recordings = 0
    /// Whether every sealed byte and row was read; otherwise lengths only.
    var isDeep = false
    /// Final recordings from before the ledger held digests of their rows.
    var undigested = 0
    /// Where the ledger ends.
    var head: LedgerHead
    /// Faults first.
    var findings: [AuditFinding] = []

    var faults: [AuditFinding] { findings.filter { $0.grade == .fault } }
}

/// Audits an archive, beside a running server or without one. Changes nothing.
struct ArchiveAudit {
    let catalog: Catalog
    /// Reads and hashes every sealed file and the rows of every call.
    var isDeep = false
    /// These calls only; nil: all, and every file that lies in the storage.
    var selected: Set<String>?
    /// A head of the ledger that somebody kept elsewhere.
    var published: LedgerHead?

    func run() throws(ArchiveError) -> AuditReport {
        let reconciliation = Reconciliation(layout: catalog.layout, catalog: catalog)
        let server = if case .process = StorageHolder.of(catalog.layout) { true } else { false }
        let look = try reconciliation.report(checkHashes: isDeep, of: selected)
        var seen = look.findings
        if server, seen.contains(where: Self.isPassing) {
            // A file gets its name an instant before the catalog learns of it: what is wrong stays wrong.
            let again = Set(try reconciliation.report(checkHashes: false, of: selected).findings)
            seen = seen.filter { !Self.isPassing($0) || again.contains($0) }
        }
        var report = AuditReport(
            recordings: look.rows, isDeep: isDeep, head: try catalog.ledgerHead())
        for finding in seen {
            if let told = try AuditText.finding(finding, catalog, besideServer: server) {
                report.findings.append(told)
            }
        }
        report.findings += try catalog.verifyLedger(published: published).map(AuditText.finding)
        for fault in try catalog.verifySeals() {
            let told = AuditText.finding(fault)
            if let selected, !selected.contains(told.id ?? "") { continue }
            report.findings.append(told)
        }
        if isDeep {
            let rows = try catalog.verifyRows(of: selected)
            report.undigested = rows.undigested
            // What was told of a call's seal is not told again of its rows.
            let told = Set(report.findings.compactMap { $0.grade == .fault ? $0.id : nil })
            report.findings += rows.faults.filter { !told.contains($0.id) }.map(AuditText.finding)
            report.findings += try catalog.verifyConversations(of: selected).map(AuditText.finding)
        }
        report.findings = report.faults + report.findings.filter { $0.grade == .note }
        return report
    }

    /// Whether a running server may be about to set it right.
    private static func isPassing(_ finding: ReconcileFinding) -> Bool {
        switch finding {
        case .unknownFile, .unknownTape, .uncommitted, .leftover: true
        default: false
        }
    }
}
