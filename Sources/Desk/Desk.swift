// Room Desk.
import Net
public protocol MediaDoor: Sendable { func offer(_ request: HTTPRequest) -> HTTPOutcome? }
public struct Problem: Sendable {
    public init(status: Int, code: String, detail: String) { self.status = status }
    var status: Int
    public var response: HTTPResponse { HTTPResponse(status: status) }
}
