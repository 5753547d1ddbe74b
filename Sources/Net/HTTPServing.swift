// libmicrohttpd's callbacks: a request gathered, handled, answered.

import CMicroHTTPD
import Glibc

/// What the callbacks of one server share.
final class HTTPServing: Sendable {
    let handler: any HTTPHandler
    let bodyBytes: Int

    init(handler: any HTTPHandler, bodyBytes: Int) {
        self.handler = handler
        self.bodyBytes = bodyBytes
    }
}

/// One request while it comes in. Touched by its connection's thread only.
private final class PendingRequest {
    let target: String
    var body: [UInt8] = []
    var isTooLarge = false
    var hasBegun = false
    /// What an upgrade hands over. It goes with the request, so that nothing stays when the peer is gone before
    /// its 101 was sent.
    var handover: AnyObject?

    init(target: String) { self.target = target }
}

/// Called first, with the request target as it stands on the wire; what it returns travels with the request.
func httpTarget(
    _ context: UnsafeMutableRawPointer?, _ uri: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    let target = uri.map { String(cString: $0) } ?? "/"
    return Unmanaged.passRetained(PendingRequest(target: target)).toOpaque()
}

/// Called when a request is over, however.
func httpCompleted(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let request, let pointer = request.pointee else { return }
    Unmanaged<PendingRequest>.fromOpaque(pointer).release()
    request.pointee = nil
}

/// Called for a request's head, for each piece of its body, and at its end.
func httpAccess(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>?, _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let url, let method, let size, let pointer = request?.pointee else {
        return .NO
    }
    let serving = Unmanaged<HTTPServing>.fromOpaque(context).takeUnretainedValue()
    let pending = Unmanaged<PendingRequest>.fromOpaque(pointer).takeUnretainedValue()
    if !pending.hasBegun {
        pending.hasBegun = true
        // What is announced as too large is refused before it is sent.
        if let announced = MHD_lookup_connection_value(connection, .HEADER_KIND, "Content-Length"),
            (Int64(String(cString: announced)) ?? .max) > Int64(serving.bodyBytes)
        {
            return send(tooLarge, on: connection)
        }
        return .YES
    }
    if size.pointee > 0 {
        if let data, !pending.isTooLarge {
            if pending.body.count + size.pointee > serving.bodyBytes {
                pending.isTooLarge = true
                pending.body = []
            } else {
                pending.body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size.pointee))
            }
        }
        size.pointee = 0
        return .YES
    }
    guard !pending.isTooLarge else { return send(tooLarge, on: connection) }
    let whole = HTTPRequest(
        method: String(cString: method), path: String(cString: url), target: pending.target,
        query: values(of: connection, .GET_ARGUMENT_KIND), headers: values(of: connection, .HEADER_KIND),
        body: pending.body, remoteAddress: address(of: connection))
    pending.body = []
    switch serving.handler.respond(to: whole) {
    case .response(let response): return send(response, on: connection)
    case .upgrade(let take):
        let isHTTP11 = version.map { String(cString: $0) } == "HTTP/1.1"
        return HTTPUpgrade.answer(whole, isHTTP11: isHTTP11, on: connection, take) { pending.handover = $0 }
    }
}

private let tooLarge = HTTPResponse(
    status: 413, headers: [("Content-Type", "application/problem+json"), ("Connection", "close")],
    body: .bytes(Array(#"{"type":"about:blank","title":"Content Too Large","status":413}"#.utf8)))

/// Sends a response; libmicrohttpd keeps what it needs of it.
func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
    guard let made = HTTPResponseMaker.make(response) else { return .NO }
    defer { MHD_destroy_response(made) }
    for (name, value) in response.headers where MHD_add_response_header(made, name, value) != .YES {
        return .NO
    }
    return MHD_queue_response(connection, UInt32(clamping: response.status), made)
}

/// All values of a kind, in order.
private func values(of connection: OpaquePointer, _ kind: MHD_ValueKind) -> [(name: String, value: String)] {
    var list: [(name: String, value: String)] = []
    withUnsafeMutablePointer(to: &list) { pointer in
        _ = MHD_get_connection_values(
            connection, kind,
            { context, _, key, value in
                guard let list = context?.assumingMemoryBound(to: [(name: String, value: String)].self),
                    let key
                else {
                    return .YES
                }
                list.pointee.append((String(cString: key), value.map { String(cString: $0) } ?? ""))
                return .YES
            }, pointer)
    }
    return list
}

/// The peer's address as text.
private func address(of connection: OpaquePointer) -> String {
    guard let peer = teeline_mhd_peer(connection) else { return "" }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let length =
        peer.pointee.sa_family == sa_family_t(AF_INET6)
        ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    guard getnameinfo(peer, socklen_t(length), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
    else {
        return ""
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
