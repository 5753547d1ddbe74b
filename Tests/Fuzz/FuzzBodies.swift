// Bodies that the desk takes: orders of calls and passes, contexts as JSON and as CSV.

@testable import Archive
@testable import Desk

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    for mediaType in ContextImport.mediaTypes { contexts(bytes, mediaType) }
    csv(bytes)
    guard let value = BodyValue(bytes) else { return 0 }
    attempt { () throws(BodyFault) in
        let order = try CallBody.order(value)
        precondition(PhoneKey.isE164(order.to), "a call to no number")
        precondition(!order.description.contains(order.to), "a number in a description")
        precondition(order.plan.texts.count <= CallBody.textsLimit, "too many texts")
        precondition(order.plan.variables.count <= ContextRow.fieldLimit, "too many variables")
    }
    attempt { () throws(BodyFault) in _ = try CallBody.token(value) }
    attempt { () throws(BodyFault) in
        let text = try BodyObject(value, known: ["text"]).required("text", limit: CallBody.textLimit)
        precondition((1...CallBody.textLimit).contains(text.utf8.count), "a text beyond its bound")
    }
    return 0
}

/// What an import takes, written out and read again, is the same.
private func contexts(_ bytes: [UInt8], _ mediaType: String) {
    switch ContextImport.read(bytes, mediaType: mediaType) {
    case .failure(let problem):
        precondition(problem.status == 400 && problem.detail.utf8.count < 300, "a problem without a bound")
    case .success(let rows):
        precondition(Set(rows.map(\.phone)).count == rows.count, "a number twice")
        for row in rows {
            precondition(PhoneKey.normalised(row.phone) == row.phone, "a number that is not normalised")
            precondition(row.fault == nil, "a context beyond its bounds")
        }
        let objects = "[" + rows.map { ContextImport.json($0) }.joined(separator: ",") + "]"
        guard case .success(let same) = ContextImport.read(Array(objects.utf8), mediaType: "application/json")
        else { preconditionFailure("what was taken as \(mediaType) is refused as JSON") }
        precondition(same.map(\.fields) == rows.map(\.fields), "fields changed on their way through JSON")
        // A cell that is empty is no field.
        let kept = rows.map { $0.fields.filter { !$0.value.isEmpty } }
        let table = ContextImport.csv(rows)
        guard case .success(let cells) = ContextImport.read(Array(table.utf8), mediaType: "text/csv") else {
            preconditionFailure("what was taken as \(mediaType) is refused as CSV")
        }
        precondition(cells.map(\.phone) == rows.map(\.phone), "numbers changed on their way through CSV")
        precondition(cells.map(\.fields) == kept, "fields changed on their way through CSV")
    }
}

/// Records of CSV, written and read again, are the same.
private func csv(_ bytes: [UInt8]) {
    attempt { () throws(CSVText.Fault) in
        let records = try CSVText.records(String(decoding: bytes, as: UTF8.self))
        // A line of one empty field is written as an empty line.
        let fields = records.map(\.fields).filter { $0 != [""] }
        let again = try CSVText.records(fields.map { CSVText.line($0) }.joined())
        precondition(again.map(\.fields) == fields, "written reads otherwise")
    }
}

/// Errors are what most inputs come to.
private func attempt<Failure: Error>(_ body: () throws(Failure) -> Void) {
    do throws(Failure) { try body() } catch { return }
}
