// What an audit found, in words. Of a call only its identifier and its file are named.

import Archive
import Wire

/// Findings of the archive as findings of an audit.
enum AuditText {
    /// A difference between catalog and disk; nil for what is as it should be beside a running server.
    static func finding(
        _ finding: ReconcileFinding, _ catalog: Catalog, besideServer: Bool
    ) throws(ArchiveError) -> AuditFinding? {
        func fault(_ kind: String, _ id: String?, _ path: String?, _ text: String) -> AuditFinding {
            AuditFinding(grade: .fault, kind: kind, id: id, path: path, text: text)
        }
        func note(_ kind: String, _ id: String?, _ path: String?, _ text: String) -> AuditFinding? {
            besideServer ? nil : AuditFinding(grade: .note, kind: kind, id: id, path: path, text: text)
        }
        func path(_ id: String) throws(ArchiveError) -> String? { try catalog.call(id)?.recording.path }
        switch finding {
        case .missingFile(let id): return fault("missing", id, try path(id), "its file is not there")
        case .wrongLength(let id, let expected, let found):
            return fault(
                "wrong_length", id, try path(id), "its file has \(found) bytes; \(expected) were sealed")
        case .wrongHash(let id):
            return fault("altered", id, try path(id), "its file's SHA-256 is not the sealed one")
        case .unreadable(let id): return fault("unreadable", id, try path(id), "its file cannot be read")
        case .unprotected(let id):
            return AuditFinding(
                grade: .note, kind: "writable", id: id, path: try path(id),
                text: "its file can be written to; the next start protects it")
        case .conversationAudio(let id, let what):
            return AuditFinding(
                grade: what == .unprotected ? .note : .fault, kind: "conversation_\(kind(what))", id: id,
                path: try catalog.conversation(id)?.audioPath, text: "ElevenLabs' audio: \(text(what))")
        case .unknownFile(let path): return fault("stray", nil, path, "a file that belongs to no recording")
        case .unreadableFolder(let path, _):
            return fault(
                "unreadable_folder", nil, path,
                "a folder that cannot be read: what lies in it was not looked at")
        case .uncommitted(let id):
            return note(
                "uncommitted", id, nil, "its file is there and not sealed; a start with its tape seals it")
        case .leftover(let path, _):
            return note("leftover", nil, path, "an unfinished file that nobody writes")
        case .unknownTape(let id):
            return note(
                "tape_without_row", id, "tapes/\(id).tape",
                "a tape of a call that is not in the catalog; the next start takes it up")
        case .unfinished(let id, let state, let hasTape):
            return note(
                "unfinished", id, nil,
                "\(state.rawValue) when the server ended; the next start "
                    + (hasTape ? "makes it from its tape" : "ends it as failed: it has no tape"))
        }
    }

    private static func kind(_ fault: AudioFault) -> String {
        switch fault {
        case .missing: "missing"
        case .wrongLength: "wrong_length"
        case .wrongHash: "altered"
        case .unreadable: "unreadable"
        case .unprotected: "writable"
        }
    }

    private static func text(_ fault: AudioFault) -> String {
        switch fault {
        case .missing: "its file is not there"
        case .wrongLength: "its file has another length than was sealed"
        case .wrongHash: "its file's SHA-256 is not the sealed one"
        case .unreadable: "its file cannot be read"
        case .unprotected: "its file can be written to; the next start protects it"
        }
    }

    /// A fault of the ledger's own chain.
    static func finding(_ fault: LedgerFault) -> AuditFinding {
        let text =
            switch fault {
            case .changed(let number): "entry \(number) was changed after it was written"
            case .unlinked(let number): "entry \(number) does not follow on the one before it"
            case .hole(let number): "entries before \(number) are missing"
            case .cut(let expected, let found): "its end is cut off: \(found) entries of \(expected)"
            case .longer(let expected, let found): "\(found) entries where its head says \(expected)"
            case .otherHead: "it does not end as its head, or the one that was kept, says"
            }
        return AuditFinding(grade: .fault, kind: "ledger", text: "ledger: \(text)")
    }

    /// A recording whose row and whose entry in the ledger differ.
    static func finding(_ fault: SealFault) -> AuditFinding {
        switch fault {
        case .unledgered(let id):
            AuditFinding(
                grade: .fault, kind: "unledgered", id: id,
                text: "it is sealed, and the ledger has no entry of it")
        case .differs(let id):
            AuditFinding(
                grade: .fault, kind: "row_differs", id: id,
                text: "its row has another path or SHA-256 than the ledger")
        case .lostRow(let id):
            AuditFinding(
                grade: .fault, kind: "row_missing", id: id,
                text: "the ledger has its sealing, and the catalog does not have it any more")
        }
    }

    /// Rows of a call that are not those of the ledger.
    static func finding(_ fault: RowFault) -> AuditFinding {
        let (kind, text) =
            switch fault {
            case .unopened: ("unopened", "it is in the catalog, and no entry of the ledger began it")
            case .differs:
                (
                    "row_differs",
                    "its rows (call, recording, turns, events, metrics) are not what the ledger's digest is of"
                )
            case .otherState(_, let row, let ledger):
                ("state_differs", "its row says \(row), and the ledger says \(ledger)")
            case .lost: ("row_missing", "the ledger began it, and the catalog does not have it any more")
            }
        return AuditFinding(grade: .fault, kind: kind, id: fault.id, text: text)
    }

    /// A conversation's row that is not that of the ledger.
    static func finding(_ fault: ConversationFault) -> AuditFinding {
        let (kind, id, text) =
            switch fault {
            case .unledgered(let id):
                ("conversation_unledgered", id, "it is in the catalog, and the ledger has no entry of it")
            case .differs(let id):
                (
                    "conversation_row_differs", id,
                    "what the catalog says of the conversation is not what the ledger's digest is of"
                )
            case .lost(let id):
                (
                    "conversation_row_missing", id,
                    "the ledger has it, and the catalog does not have it any more"
                )
            }
        return AuditFinding(grade: .fault, kind: kind, id: id, text: text)
    }

    /// Lines for a terminal.
    static func lines(_ report: AuditReport) -> [String] {
        let faults = report.faults.count
        let notes = report.findings.count - faults
        var lines = TextTable.lines(
            head: [],
            rows: report.findings.map {
                [$0.grade == .fault ? "FAIL" : "note", $0.id ?? "-", $0.path ?? "-", $0.text]
            })
        if !lines.isEmpty { lines.append("") }
        lines.append(
            "recordings: \(report.recordings), entries of the ledger: \(report.head.entries); "
                + (faults == 0 ? "nothing is wrong" : "\(faults) wrong")
                + (notes == 0 ? "" : ", notes: \(notes)"))
        if report.undigested > 0 {
            lines.append(
                "\(report.undigested) recordings were sealed before rows were digested: of their rows only "
                    + "state, path and SHA-256 were compared")
        }
        lines.append("ledger head: \(report.head.entries):\(report.head.hash.hex)")
        return lines
    }

    /// One JSON object; all members are always there.
    static func json(_ report: AuditReport) -> String {
        JSON.object([
            ("whole", report.faults.isEmpty ? "true" : "false"), ("recordings", "\(report.recordings)"),
            ("undigested", "\(report.undigested)"), ("ledger_entries", "\(report.head.entries)"),
            ("ledger_head", JSON.quoted(report.head.hash.hex)),
            (
                "findings",
                JSON.array(
                    report.findings.map {
                        JSON.object([
                            ("grade", JSON.quoted($0.grade.rawValue)), ("kind", JSON.quoted($0.kind)),
                            ("id", JSON.quoted($0.id)), ("path", JSON.quoted($0.path)),
                            ("text", JSON.quoted($0.text)),
                        ])
                    })
            ),
        ])
    }
}
