// Customers' contexts as JSON and CSV, in and out.

import Archive
import Wire

/// Reads and writes many contexts.
public enum ContextImport {
    /// Most bytes of an import.
    public static let byteLimit = 8 << 20
    /// The media types that are taken.
    public static let mediaTypes = ["application/json", "text/csv"]

    /// The contexts of a body of media type `mediaType` ("application/json", otherwise CSV).
    /// - JSON: an array of objects with `phone` and either `fields` or the fields themselves beside it. Numbers and
    ///   truth values become texts, as written.
    /// - CSV: a first line with the fields' names, the first of them `phone`. An empty cell is no field.
    ///
    /// A number that comes twice, in whatever spelling, is a problem, and nothing of what is wrong is passed over.
    public static func read(_ bytes: [UInt8], mediaType: String) -> Result<[ContextRow], Problem> {
        do throws(ImportFault) {
            return .success(mediaType == "application/json" ? try json(bytes) : try csv(bytes))
        } catch {
            return .failure(error.problem)
        }
    }

    private struct ImportFault: Error {
        var problem: Problem

        init(_ place: String, _ fault: BodyFault) { problem = fault.problem(place) }

        /// What is wrong with a text that is no JSON.
        init(_ detail: String) { problem = Problem(status: 400, code: "bad_body", detail: detail) }
    }

    private static func json(_ bytes: [UInt8]) throws(ImportFault) -> [ContextRow] {
        guard let value = BodyValue(bytes), case .array(let items) = value else {
            throw ImportFault("", .syntax)
        }
        var rows = Collected()
        for (number, item) in items.enumerated() {
            let place = "Item \(number + 1): "
            do throws(BodyFault) {
                try rows.add(row(item))
            } catch {
                throw ImportFault(place, error)
            }
        }
        return rows.rows
    }

    private static func row(_ item: BodyValue) throws(BodyFault) -> ContextRow {
        guard case .object(let members) = item else { throw .syntax }
        if members.contains(where: {
            if case .object = $0.value { return $0.name == "fields" }
            return false
        }) {
            let object = try BodyObject(item, known: ["phone", "fields", "updated_at"])
            return ContextRow(
                phone: try object.required("phone"), fields: try object.map("fields", scalars: true))
        }
        let object = try BodyObject(item, known: Set(members.map(\.name)))
        var fields: [String: String] = [:]
        for member in members where member.name != "phone" && member.value != .null {
            guard let text = member.value.scalar else { throw .bad(member.name) }
            fields[member.name] = text
        }
        return ContextRow(phone: try object.required("phone"), fields: fields)
    }

    private static func csv(_ bytes: [UInt8]) throws(ImportFault) -> [ContextRow] {
        let records: [CSVText.Record]
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ImportFault("The text is not UTF-8.")
        }
        do throws(CSVText.Fault) {
            records = try CSVText.records(text)
        } catch {
            throw ImportFault("Line \(error.line): a quote stands where none may (RFC 4180).")
        }
        guard let head = records.first?.fields, head.first == "phone" else {
            throw ImportFault("Line 1: ", .missing("phone"))
        }
        guard !head.contains("") else { throw ImportFault("Line 1: a column has no name.") }
        var columns: Set<String> = []
        for name in head where !columns.insert(name).inserted {
            throw ImportFault("Line 1: the column \(PlainWord.told(name)) stands there twice.")
        }
        var rows = Collected()
        for record in records.dropFirst() {
            let place = "Line \(record.line): "
            guard record.fields.count == head.count, let phone = record.fields.first else {
                throw ImportFault(place + "it has not as many fields as the first line.")
            }
            let pairs = zip(head, record.fields).dropFirst().filter { !$0.1.isEmpty }
            do throws(BodyFault) {
                try rows.add(
                    ContextRow(phone: phone, fields: Dictionary(pairs, uniquingKeysWith: { $1 })))
            } catch {
                throw ImportFault(place, error)
            }
        }
        return rows.rows
    }

    /// Rows, each number once.
    private struct Collected {
        var rows: [ContextRow] = []
        private var known: Set<String> = []

        mutating func add(_ row: ContextRow) throws(BodyFault) {
            let row = try ContextImport.checked(row)
            guard known.insert(row.phone).inserted else { throw .bad("phone") }
            rows.append(row)
        }
    }

    /// A context with its number normalised and everything within its bounds.
    static func checked(_ row: ContextRow) throws(BodyFault) -> ContextRow {
        guard let phone = PhoneKey.normalised(row.phone) else { throw .bad("phone") }
        var row = row
        row.phone = phone
        // A list has the number in a column of this name.
        guard row.fields["phone"] == nil else { throw .bad("fields") }
        if let fault = row.fault { throw .bad(fault) }
        return row
    }

    /// A context as the API shows it.
    public static func json(_ row: ContextRow) -> String {
        JSON.object([
            ("phone", JSON.quoted(row.phone)), ("fields", row.json),
            ("updated_at", JSON.quoted(ArchiveTime.rfc3339(row.updatedAt))),
        ])
    }

    /// Contexts as CSV that `read` takes, a column for every field that any of them has.
    public static func csv(_ rows: [ContextRow]) -> String {
        let names = Set(rows.flatMap(\.fields.keys)).sorted()
        return CSVText.line(["phone"] + names)
            + rows.map { row in CSVText.line([row.phone] + names.map { row.fields[$0] ?? "" }) }.joined()
    }
}
