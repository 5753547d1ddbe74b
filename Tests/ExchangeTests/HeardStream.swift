// What a test waits for in a stream that runs: how much its caller has said and heard by now.

import Net
import Patience

@testable import Simulator

extension CarrierNetwork {
    /// Milliseconds of the caller that `stream` has sent so far; 0 before its start and after its end.
    func spoken(in stream: LiveStream) async -> Int64 {
        await withCheckedContinuation { (answer: CheckedContinuation<Int64, Never>) in
            loop.execute {
                guard let carrier = stream.carrier else { return answer.resume(returning: 0) }
                let dialect = carrier.settings.dialect
                let samples = carrier.nextFrame * Int64(dialect.frameSamples)
                answer.resume(returning: samples * 1000 / Int64(dialect.inbound.rate))
            }
        }
    }

    /// Milliseconds of the server's sound that the caller of `stream` has heard so far; 0 before its start and after
    /// its end.
    func heard(in stream: LiveStream) async -> Int64 {
        await withCheckedContinuation { (answer: CheckedContinuation<Int64, Never>) in
            loop.execute {
                guard let carrier = stream.carrier else { return answer.resume(returning: 0) }
                let samples = carrier.playout.heardSegments.reduce(Int64(0)) { $0 + $1.count }
                answer.resume(returning: samples * 1000 / Int64(carrier.settings.dialect.outbound.rate))
            }
        }
    }

    /// Whether the caller of `stream` comes to have said `milliseconds`, within twenty seconds.
    func says(_ stream: LiveStream, milliseconds: Int64) async throws -> Bool {
        try await eventually { await spoken(in: stream) >= milliseconds }
    }

    /// Whether the caller of `stream` comes to have heard `milliseconds` of the server's sound, within twenty seconds,
    /// and stays for 400 ms more: the server learns by a mark, which has its own way back, what was heard.
    func hears(_ stream: LiveStream, milliseconds: Int64) async throws -> Bool {
        guard try await eventually(20_000, { await heard(in: stream) >= milliseconds }) else { return false }
        let said = await spoken(in: stream)
        return try await says(stream, milliseconds: said + 400)
    }
}
