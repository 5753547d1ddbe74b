// What carriers say by HTTP: the first byte says which reader, the rest is its body.

import Signalling

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = bytes.first else { return 0 }
    // A whole message for the seeds, and one with a head for what the fuzzer makes of them.
    read(bytes, first)
    read(Array(bytes.dropFirst()), first)
    return 0
}

private func read(_ body: [UInt8], _ kind: UInt8) {
    webhooks(body, kind)
    let answer = RESTAnswer(status: kind & 1 == 0 ? 200 : 422, body: body)
    attempt { () throws(RESTFailure) in _ = try TwilioREST.call(answer) }
    attempt { () throws(RESTFailure) in try TwilioREST.update(answer) }
    attempt { () throws(RESTFailure) in _ = try TwilioREST.stream(answer) }
    attempt { () throws(RESTFailure) in _ = try TwilioREST.recordings(answer) }
    attempt { () throws(RESTFailure) in _ = try TelnyxREST.answered(answer) }
    attempt { () throws(RESTFailure) in _ = try TelnyxREST.dialled(answer) }
    attempt { () throws(RESTFailure) in _ = try TelnyxREST.recordings(answer) }
    attempt { () throws(RESTFailure) in _ = try TelnyxREST.transcriptions(answer) }
    attempt { () throws(RESTFailure) in _ = try ExotelREST.call(answer) }
    attempt { () throws(RESTFailure) in _ = try ExotelREST.calls(answer) }
    attempt { () throws(RESTFailure) in _ = try ExotelREST.activeStreams(answer) }
}

private func webhooks(_ body: [UInt8], _ kind: UInt8) {
    var flow = TelnyxCallFlow()
    attempt { () throws(SignallingError) in _ = flow.take(try TelnyxEvent(json: body)) }
    let types = [
        "multipart/form-data; boundary=b", "application/json", "", "application/x-www-form-urlencoded",
    ]
    let type = types[Int(kind >> 1) % types.count]
    attempt { () throws(SignallingError) in
        _ = try ExotelCallback(query: [], contentType: type, body: body).stream?.errorCode
    }
    attempt { () throws(SignallingError) in
        let text = String(decoding: body, as: UTF8.self)
        _ = try ExotelCallback(query: [(name: "Stream", value: text)], contentType: text)
        let document = TwiML([.say(text)]).text
        precondition(document.hasSuffix("</Say></Response>"), "the text broke out of its element")
        let shape = document.utf8.filter { $0 == UInt8(ascii: "<") }.count
        precondition(shape == 5, "the text made an element")
    }
    guard let form = FormFields(body) else { return }
    precondition(
        FormFields(form.body)?.fields.map(\.value) == form.fields.map(\.value), "written reads otherwise")
    var order = TwilioCallOrder()
    attempt { () throws(SignallingError) in _ = order.take(try TwilioCallProgress(form)) }
    attempt { () throws(SignallingError) in _ = try TwilioStreamStatus(form).errorCode }
    attempt { () throws(SignallingError) in _ = try TwilioRecordingStatus(form) }
    attempt { () throws(SignallingError) in _ = try TelnyxEvent(query: form.fields) }
}

/// Errors are what most inputs come to.
private func attempt<Failure: Error>(_ body: () throws(Failure) -> Void) {
    do throws(Failure) { try body() } catch { return }
}
