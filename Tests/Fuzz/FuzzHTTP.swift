// The head of a request: the first line is its target, the others are header fields; each line is also read as a time,
// a page's cursor and a field that negotiates.

@testable import Archive
@testable import Desk
@testable import Net

private let access = BearerAccess(tokens: ["token-of-the-fuzzer"])
private let validators = Validators(tag: "tag", lastModified: 784_111_777)

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeBufferPointer(start: start, count: count)
    let lines = bytes.split(separator: 0x0A, maxSplits: 32, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
    let fields = lines.dropFirst().map { line in
        let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        return (
            name: String(line[..<colon]),
            value: String(line[colon...].dropFirst().trimmingOptionalWhitespace())
        )
    }
    for line in lines { read(line) }
    guard let first = lines.first, let target = HTTPTarget(first) else { return 0 }
    precondition(!target.path.utf8.contains(0), "a NUL byte in a path")
    // What was decoded, escaped anew, is decoded to the same.
    let again = HTTPTarget(
        escaped(target.path) + "?"
            + target.query.map { escaped($0.name) + "=" + escaped($0.value) }.joined(separator: "&"))
    precondition(again?.path == target.path, "the path changed")
    // Empty pairs are passed over.
    let pairs = target.query.map { $0.name + "\u{0}" + $0.value }
    precondition(again?.query.map { $0.name + "\u{0}" + $0.value } == pairs, "the query changed")
    if case .success(let query) = RecordingQuery.read(target.query) {
        precondition((1...Catalog.pageLimit).contains(query.limit), "a page without a bound")
        precondition(Set(target.query.map(\.name)).count == target.query.count, "a parameter has no effect")
    }
    for method in ["GET", "HEAD", "POST"] {
        ask(
            HTTPRequest(
                method: method, path: target.path, target: first, query: target.query, headers: fields,
                remoteAddress: "127.0.0.1"))
    }
    return 0
}

private func ask(_ request: HTTPRequest) {
    _ = Routes.match(method: request.method, path: request.path)
    if access.admits(request) {
        precondition(
            request.header("Authorization")?.contains("token-of-the-fuzzer") == true, "let in without a token"
        )
    }
    _ = BearerAccess(tokens: [], openOnLoopback: true).admits(request)
    if case .proceed(true) = validators.evaluate(request) {
        precondition(request.method == "GET" && request.header("Range") != nil, "a range nobody asked for")
    }
    _ = TranscriptForm.accepted(request.combined("Accept"))
    precondition(!request.mediaType.contains(";"), "a media type with parameters")
    if case .accepted = UpgradeVerdict(request, version: "HTTP/1.1") {
        precondition(request.method == "GET" && request.header("Sec-WebSocket-Key") != nil, "no upgrade")
    }
}

private func read(_ line: String) {
    _ = TranscriptForm.accepted(line)
    if let instant = ArchiveTime.parse(line), (0...9999).contains(ArchiveTime.date(instant).year) {
        precondition(ArchiveTime.parse(ArchiveTime.rfc3339(instant)) == instant, "written reads otherwise")
    }
    if let date = HTTPDate.parse(line) {
        precondition(HTTPDate.parse(HTTPDate.text(date)) == date, "written reads otherwise")
    }
    do throws(ArchiveError) {
        let cursor = try PageCursor(line)
        precondition(cursor.text == line && CallID.isValid(cursor.id), "two cursors for one place")
    } catch {
        precondition(error == .badCursor, "a cursor is good or bad")
    }
}

private func escaped(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(
        decoding: text.utf8.flatMap { [UInt8(ascii: "%"), digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
        as: UTF8.self)
}
