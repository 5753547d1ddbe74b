// How simulated services send webhooks: signed, once or again, and what came back.

import Net

/// How often a webhook is tried, and how it may go astray.
public struct HookManners: Sendable, Hashable {
    /// Most attempts; only 408, 429, 5xx and no answer at all are tried again.
    public var attempts = 3
    /// Milliseconds between attempts.
    public var pauseMilliseconds = 20
    /// Whether every webhook is sent twice.
    public var doubles = false
    /// Whether webhooks that are due together go out in another order.
    public var shuffles = false
    /// How long an answer may take, in milliseconds.
    public var timeoutMilliseconds = 5000

    /// Three attempts, in order, once.
    public init() {}
}

extension RESTDesk {
    /// Sends `body` once; the answer, nil when none came.
    func send(
        _ event: String, method: String = "POST", to url: String, type: String,
        form: [(name: String, value: String)] = [], body: [UInt8], attempt: Int = 1, signer: HookSigner?,
        headers: [(name: String, value: String)] = [], timeoutMilliseconds: Int = 5000
    ) async -> HTTPClientResponse? {
        let content = HookContent(method: method, url: url, form: form, body: body, time: clock())
        var fields = headers + (signer?(content) ?? [])
        if !body.isEmpty { fields.append(("Content-Type", type)) }
        var answer: HTTPClientResponse?
        do throws(NetError) {
            answer = try await client.send(
                HTTPClientRequest(
                    method: method, url: url, headers: fields, body: body,
                    timeoutMilliseconds: timeoutMilliseconds))
        } catch {
            // No answer is an answer of its own: status 0 in the notes.
            answer = nil
        }
        let sent = SentHook(event: event, url: url, body: body, attempt: attempt, status: answer?.status ?? 0)
        notes.change { $0.hooks.append(sent) }
        return answer
    }

    /// Sends what `body` gives for an attempt until it is taken or not to be tried again.
    func deliver(
        _ event: String, to url: String, type: String = "application/json", manners: HookManners,
        headers: [(name: String, value: String)] = [], signer: HookSigner?, isTaken: (Int) -> Bool,
        body: (_ attempt: Int) -> [UInt8]
    ) async {
        for attempt in 1...max(manners.attempts, 1) {
            let answer = await send(
                event, to: url, type: type, body: body(attempt), attempt: attempt, signer: signer,
                headers: headers, timeoutMilliseconds: manners.timeoutMilliseconds)
            let status = answer?.status ?? 0
            if isTaken(status) { return }
            guard status == 0 || status == 408 || status == 429 || status >= 500 else {
                return fault("webhook \(event)", "was answered \(status)")
            }
            await pause(manners.pauseMilliseconds)
        }
        fault("webhook \(event)", "was not taken in \(max(manners.attempts, 1)) attempts")
    }

    /// Waits `milliseconds`; sooner when the task is cancelled.
    func pause(_ milliseconds: Int) async {
        guard milliseconds > 0 else { return }
        // A cancelled task has nothing left to wait for.
        _ = try? await Task.sleep(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }
}
