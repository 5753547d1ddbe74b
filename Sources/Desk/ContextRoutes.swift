// Customers' contexts over HTTP: list, look up, store, remove, import.

import Archive
import Net
import Wire

/// Answers for contexts.
struct ContextRoutes {
    let catalog: Catalog
    let archive: CallArchive?

    /// Every parameter of the list.
    static let parameters = [
        QueryParameter(name: "limit", meaning: "Most items on the page, 1 to 200", schema: JSONSchema.limit),
        QueryParameter(name: "cursor", meaning: "next_cursor of the page before", schema: JSONSchema.text),
    ]

    func answer(
        _ action: RouteAction, _ phone: String, _ request: HTTPRequest
    ) throws(ArchiveError) -> HTTPResponse {
        if action == .contexts { return try list(request) }
        if action == .importContexts { return try `import`(request) }
        guard let key = PhoneKey.normalised(phone) else {
            return Problem(
                status: 400, code: "bad_phone",
                detail: "The path holds no number: + and digits (as %2B) or a name."
            ).response
        }
        switch action {
        case .storeContext: return try store(key, request)
        case .removeContext:
            let outcome = try change(.removeContext(phone: key))
            return outcome.isChange
                ? HTTPResponse(status: 204, headers: [("Cache-Control", "no-store")])
                : Problem.unknownContext.response
        default:
            guard let row = try catalog.context(key) else { return Problem.unknownContext.response }
            return DeskHandler.json(ContextImport.json(row))
        }
    }

    private func list(_ request: HTTPRequest) throws(ArchiveError) -> HTTPResponse {
        var limit = 50
        var cursor = ""
        let error = ParameterError.first(in: request.query, of: Self.parameters) { name, value in
            if name == "limit" {
                guard let number = ParameterError.limit(value, most: Catalog.pageLimit) else { return false }
                limit = number
            } else {
                // The cursor is the number that the page before ended with. A "+" that nobody escaped is a space.
                let text = value.hasPrefix(" ") ? "+" + value.dropFirst() : value
                guard let key = PhoneKey.normalised(text) else { return false }
                cursor = key
            }
            return true
        }
        if let error { return error.problem.response }
        let page = try catalog.contexts(after: cursor, limit: limit)
        return DeskHandler.json(
            JSON.object([
                ("items", JSON.array(page.items.map { ContextImport.json($0) })),
                ("next_cursor", JSON.quoted(page.next)),
            ]))
    }

    private func store(_ phone: String, _ request: HTTPRequest) throws(ArchiveError) -> HTTPResponse {
        let row: ContextRow
        do throws(BodyFault) {
            guard let value = BodyValue(request.body) else { throw .syntax }
            let body = try BodyObject(value, known: ["fields"])
            guard body.value("fields") != nil else { throw .missing("fields") }
            row = try ContextImport.checked(
                ContextRow(phone: phone, fields: try body.map("fields", scalars: true)))
        } catch {
            return error.problem().response
        }
        let outcome = try change(.storeContext(row))
        let stored = try catalog.context(phone) ?? row
        return DeskHandler.json(ContextImport.json(stored), status: outcome.added > 0 ? 201 : 200)
    }

    private func `import`(_ request: HTTPRequest) throws(ArchiveError) -> HTTPResponse {
        switch ContextImport.read(request.body, mediaType: request.mediaType) {
        case .failure(let problem): return problem.response
        case .success(let rows):
            let outcome = try change(.importContexts(rows))
            return DeskHandler.json(
                JSON.object([
                    ("added", String(outcome.added)), ("replaced", String(outcome.replaced)),
                    ("unchanged", String(outcome.unchanged)),
                ]))
        }
    }

    private func change(_ change: ArchiveChange) throws(ArchiveError) -> ChangeOutcome {
        guard let archive else { throw .closed }
        return try archive.applyAndWait(change)
    }
}
