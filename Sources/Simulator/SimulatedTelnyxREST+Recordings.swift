// The recordings of a simulated Telnyx: their list, their links that die, their files.

import Net
import Telemetry

extension SimulatedTelnyxREST {
    private static let filters: Set<String> = Set(
        [
            "call_control_id", "call_leg_id", "call_session_id", "conference_id", "conference_region",
            "connection_id", "from", "to", "sip_call_id", "created_at][gte", "created_at][lte",
            "start_time][gte", "start_time][lte", "end_time][gte", "end_time][lte",
        ].map { "filter[\($0)]" })

    func recordings(_ request: HTTPRequest, _ parts: [String], _ place: String) -> HTTPResponse {
        if request.method == "POST", parts == ["actions", "delete"] {
            guard let ids = RESTValue(request.body)?["ids"]?.elements.compactMap(\.text), !ids.isEmpty else {
                desk.fault(place, "ids is no list of texts")
                return invalid()
            }
            books.change { $0.recordings.removeAll { ids.contains($0.id) } }
            return Self.ok
        }
        if parts.isEmpty, request.method == "GET" { return list(request, place) }
        guard parts.count == 1, ["GET", "DELETE"].contains(request.method) else { return missing(place) }
        guard let recording = books.value.recordings.first(where: { $0.id == parts[0] }) else {
            return missing(place)
        }
        let answer = RESTDesk.json(200, .object([.init("data", resource(recording))]))
        if request.method == "DELETE" { books.change { $0.recordings.removeAll { $0.id == recording.id } } }
        return answer
    }

    private func list(_ request: HTTPRequest, _ place: String) -> HTTPResponse {
        var (number, size) = (1, 20)
        for (name, value) in request.query {
            switch name {
            case "page[number]": number = Int(value) ?? 0
            case "page[size]": size = Int(value) ?? 0
            default: if !Self.filters.contains(name) { desk.fault(place, "a query parameter is not known") }
            }
        }
        guard number > 0, size > 0 else {
            desk.fault(place, "page is no number from 1")
            return invalid()
        }
        let wanted: (String, String) -> Bool = { name, value in
            request.parameter("filter[\(name)]").map { $0 == value } ?? true
        }
        let found = books.value.recordings.filter {
            wanted("call_control_id", $0.callID) && wanted("call_leg_id", $0.legID)
                && wanted("call_session_id", $0.sessionID) && wanted("from", $0.from) && wanted("to", $0.to)
        }
        let page = found.dropFirst((number - 1) * size).prefix(size).map(resource)
        return RESTDesk.json(
            200,
            [
                "data": .list(page),
                "meta": [
                    "page_number": .integer(Int64(number)), "page_size": .integer(Int64(size)),
                    "total_pages": .integer(Int64((found.count + size - 1) / size)),
                    "total_results": .integer(Int64(found.count)),
                ],
            ])
    }

    func transcriptions(_ request: HTTPRequest, _ place: String) -> HTTPResponse {
        let wanted = request.parameter("filter[recording_id]")
        let found = books.value.recordings.filter { wanted == nil || $0.id == wanted }
        let data = settings.transcription.map { text in
            found.map { recording -> RESTValue in
                [
                    "record_type": "recording_transcription", "id": .text("t-" + recording.id),
                    "recording_id": .text(recording.id), "status": "completed",
                    "transcription_text": .text(text), "created_at": .text(recording.began.iso8601),
                ]
            }
        }
        return RESTDesk.json(200, .object([.init("data", .list(data ?? []))]))
    }

    private func resource(_ recording: TelnyxRecording) -> RESTValue {
        let ended = recording.ended ?? recording.began
        return [
            "record_type": "recording", "id": .text(recording.id),
            "call_control_id": .text(recording.callID), "call_leg_id": .text(recording.legID),
            "call_session_id": .text(recording.sessionID), "connection_id": .text(settings.connectionID),
            "conference_id": nil, "channels": .text(recording.channels), "source": "call",
            "initiated_by": "StartCallRecordingAPI", "status": "completed", "from": .text(recording.from),
            "to": .text(recording.to),
            "duration_millis": .integer((ended.microseconds - recording.began.microseconds) / 1000),
            "recording_started_at": .text(recording.began.iso8601),
            "recording_ended_at": .text(ended.iso8601), "created_at": .text(ended.iso8601),
            "updated_at": .text(ended.iso8601), "download_urls": links(to: recording),
        ]
    }

    // MARK: Files

    private static var now: Int64 { MonotonicTime.now.nanoseconds / 1_000_000 }

    /// A new link to the file in the format that was asked for.
    func links(to recording: TelnyxRecording) -> RESTValue {
        let signature = desk.random { $0.hexadecimal(digits: 64) }
        let link = TelnyxLink(
            recording: recording.id, format: recording.format,
            expires: Self.now + Int64(settings.linkMilliseconds))
        books.change { $0.links[signature] = link }
        let url =
            "\(desk.baseURL)/files/\(recording.id).\(recording.format)?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=600&X-Amz-Signature=\(signature)"
        return .object([.init(recording.format, .text(url))])
    }

    /// The storage that links lead to. It wants the signature alone.
    func file(_ request: HTTPRequest) -> HTTPResponse {
        let place = "\(request.method) of a recording's file"
        if request.header("Authorization") != nil { desk.fault(place, "the key was sent to the storage") }
        guard request.method == "GET", let signature = request.parameter("X-Amz-Signature"),
            let link = books.value.links[signature],
            request.path == "/files/\(link.recording).\(link.format)"
        else {
            desk.fault(place, "the link is not as it was given")
            return HTTPResponse(status: 403)
        }
        // A dead link is no fault: a fresh one is to be asked for (carriers.md 3.4).
        guard Self.now < link.expires else { return HTTPResponse(status: 403) }
        guard let bytes = settings.recordings[link.format] else { return HTTPResponse(status: 404) }
        let type = link.format == "mp3" ? "audio/mpeg" : "audio/wav"
        return HTTPResponse(status: 200, headers: [("Content-Type", type)], body: .bytes(bytes))
    }
}
