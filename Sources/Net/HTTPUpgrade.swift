// A request that becomes a WebSocket: checked (RFC 6455, section 4.2), answered 101, handed over raw.

import CMicroHTTPD
import Glibc

/// Answers upgrade requests.
enum HTTPUpgrade {
    /// What travels from the answer to the raw socket.
    private final class Handover {
        private var take: (@Sendable (UpgradedSocket) -> Void)?
        /// Hands over once; libmicrohttpd calls it on the connection's thread, before the request is completed.
        func callAsFunction(_ socket: UpgradedSocket) {
            let take = self.take
            self.take = nil
            take?(socket)
        }
        init(_ take: @escaping @Sendable (UpgradedSocket) -> Void) { self.take = take }
    }

    static func answer(
        _ request: HTTPRequest, isHTTP11: Bool, on connection: OpaquePointer,
        _ take: @escaping @Sendable (UpgradedSocket) -> Void, keep: (AnyObject) -> Void
    ) -> MHD_Result {
        if let refusal = refusal(of: request, isHTTP11: isHTTP11) { return send(refusal, on: connection) }
        let handover = Handover(take)
        let made = MHD_create_response_for_upgrade(
            { context, _, _, extra, extraSize, socket, handle in
                guard let context, let handle else { return }
                let handover = Unmanaged<Handover>.fromOpaque(context).takeUnretainedValue()
                let leftover = extra.map { Array(UnsafeRawBufferPointer(start: $0, count: extraSize)) } ?? []
                nonisolated(unsafe) let upgraded = handle
                handover(
                    UpgradedSocket(descriptor: socket, leftover: leftover) {
                        _ = teeline_mhd_close_upgraded(upgraded)
                    })
            }, Unmanaged.passUnretained(handover).toOpaque())
        guard let made else { return .NO }
        keep(handover)
        defer { MHD_destroy_response(made) }
        let accept = WebSocketHandshake.accept(key: request.header("Sec-WebSocket-Key") ?? "")
        MHD_add_response_header(made, "Upgrade", "websocket")
        MHD_add_response_header(made, "Sec-WebSocket-Accept", accept)
        return MHD_queue_response(connection, 101, made)
    }

    /// The answer to a request that is no right upgrade, or nil.
    private static func refusal(of request: HTTPRequest, isHTTP11: Bool) -> HTTPResponse? {
        func tokens(_ name: String) -> [String] {
            request.headers.filter { $0.name.lowercased() == name }.flatMap {
                $0.value.lowercased().split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
            }
        }
        guard request.method == "GET", isHTTP11, tokens("connection").contains("upgrade"),
            tokens("upgrade").contains("websocket"),
            WebSocketHandshake.isKey(request.header("Sec-WebSocket-Key") ?? "")
        else { return HTTPResponse(status: 400, body: .bytes(Array("This is a WebSocket endpoint.\n".utf8))) }
        guard request.header("Sec-WebSocket-Version") == "13" else {
            return HTTPResponse(status: 426, headers: [("Sec-WebSocket-Version", "13")])
        }
        return nil
    }
}
