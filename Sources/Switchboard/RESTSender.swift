// Requests to the carriers' REST services: sent, repeated where that is safe, their failures named.

import Net
import Signalling
import Telemetry

/// Sends REST requests.
struct RESTSender: Sendable {
    let client: HTTPClient
    let log: Log
    let metrics: MetricsRegistry

    /// Most times a request is sent, and the first pause between, in milliseconds; it doubles.
    static let attempts = 3
    static let pauseMilliseconds: UInt64 = 250
    /// Longest wait for one answer, in milliseconds.
    static let timeoutMilliseconds = 8_000
    /// Longest pause a service may ask for, in seconds.
    static let longestRetryAfter = 5

    /// Sends `request` and reads its answer. A failure that may pass is tried again only where the request may be repeated.
    func send<Value>(
        _ request: RESTRequest, to service: String, read: (RESTAnswer) throws(RESTFailure) -> Value
    ) async throws(RESTFailure) -> Value {
        var attempt = 1
        var isOpen = false
        while true {
            do throws(RESTFailure) {
                let value = try read(try await once(request))
                count(service, "ok")
                return value
            } catch {
                let mayRepeat = request.mayRepeat && error.isPassing && attempt < Self.attempts
                guard mayRepeat else {
                    count(service, error.token)
                    log(
                        .warning, "rest_failed",
                        [
                            "service": .text(service), "cause": .text(error.token),
                            "attempts": .number(Int64(attempt)),
                        ])
                    // What an earlier attempt has done a later one that was not heard does not undo.
                    let isUnheard = error == .network || error.isRateLimit
                    throw isOpen && isUnheard && request.method != "GET" ? .unanswered : error
                }
                if error == .unanswered || error == .unavailable { isOpen = true }
                await pause(after: error, attempt: attempt)
                attempt += 1
            }
        }
    }

    private func once(_ request: RESTRequest) async throws(RESTFailure) -> RESTAnswer {
        do throws(NetError) {
            let answer = try await client.send(
                HTTPClientRequest(
                    method: request.method, url: request.url, headers: request.headers, body: request.body,
                    timeoutMilliseconds: Self.timeoutMilliseconds))
            return RESTAnswer(status: answer.status, headers: answer.headers, body: answer.body)
        } catch {
            switch error {
            case .badURL, .unresolved, .tls, .system(operation: "connect", _): throw .network
            default: throw .unanswered
            }
        }
    }

    private func pause(after error: RESTFailure, attempt: Int) async {
        var milliseconds = Self.pauseMilliseconds << UInt64(attempt - 1)
        if case .rateLimited(let seconds?) = error {
            milliseconds = UInt64(min(max(seconds, 0), Self.longestRetryAfter)) * 1000
        }
        do {
            try await Task.sleep(nanoseconds: milliseconds * 1_000_000)
        } catch {
            // The server is stopping: the next attempt says so.
            return
        }
    }

    private func count(_ service: String, _ outcome: String) {
        metrics.add(
            "teeline_rest_requests_total",
            labels: MetricsRegistry.label("service", service) + ","
                + MetricsRegistry.label("outcome", outcome))
    }
}
