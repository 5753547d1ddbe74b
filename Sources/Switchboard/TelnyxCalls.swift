// What Telnyx's incoming calls are answered with: a stream, an answering machine, or words.

import Carriers
import Net
import Routing
import Signalling
import Telemetry

extension TelnyxDoor {
    /// Does what the course of call `id` wants.
    func act(_ action: TelnyxCourse.Action, _ id: String, _ event: TelnyxEvent, _ base: PublicURL?) async {
        guard commands.isAble else {
            count("teeline_incoming_calls_total", "carrier", "telnyx", "outcome", "no_api_key")
            parts.log(.error, "telnyx_no_api_key", ["hint": "set TELNYX_API_KEY: calls cannot be answered"])
            return
        }
        switch action {
        case .receive: await receive(id, event, base)
        case .startStream: await startStream(id, event, base)
        case .greet: await greet(id, event)
        case .record: await record(id, event)
        case .say: await say(id)
        case .hangUp: await commands.hangUp(id)
        }
    }

    private func receive(_ id: String, _ event: TelnyxEvent, _ base: PublicURL?) async {
        switch parts.enter(.telnyx, id, caller: event.from, called: event.to) {
        case .free: break
        case .busy: return await answer(id, as: .busy, plan: nil, outcome: "busy")
        case .draining:
            await answer(id, as: .fallback, plan: nil, outcome: "draining")
            return await seeOut(id)
        }
        let plan = await parts.reception.plan(for: Self.door(event))
        let byTelnyx =
            plan.voicemail?.recorder.map { $0 == "telnyx" } ?? parts.settings.telnyx.recordsVoicemail
        if plan.mode == .voicemail, byTelnyx {
            return await answer(id, as: .voicemail, plan: plan, outcome: "voicemail")
        }
        // What `answer` does not take goes with a command of its own, afterwards (carriers.md §3.1.4).
        if !parts.settings.telnyx.stream.beyondAnswer.isEmpty {
            return await answer(id, as: .laterStream, plan: plan, outcome: "connected")
        }
        guard let streaming = stream(id, plan, base, for: .answer) else {
            return await fallBack(id, "no_stream")
        }
        guard book.assume(.stream, plan: plan, of: id, at: Self.now) else { return }
        do throws(RESTFailure) {
            try await commands.answer(id, as: .stream, streaming: streaming)
            outcome("connected")
        } catch {
            await fallBack(id, error)
        }
    }

    /// Answers without a stream; what follows comes with `call.answered`.
    private func answer(_ id: String, as role: TelnyxRole, plan: CallPlan?, outcome word: String) async {
        guard book.assume(role, plan: plan, of: id, at: Self.now) else { return }
        do throws(RESTFailure) {
            try await commands.answer(id, as: role)
            outcome(word)
            if role == .voicemail { holdMessage(id, plan) }
            if role == .voicemail, let voicemail = plan?.voicemail {
                watch(id, seconds: voicemail.maximumSeconds + Self.voicemailMargin)
            }
        } catch {
            if role == .fallback { await giveUp(id, error) } else { await fallBack(id, error) }
        }
    }

    private func startStream(_ id: String, _ event: TelnyxEvent, _ base: PublicURL?) async {
        guard let streaming = stream(id, plan(of: id, event), base, for: .streamingStart) else {
            return await fallBack(id, "no_stream")
        }
        do throws(RESTFailure) {
            try await commands.startStreaming(id, streaming)
        } catch {
            await fallBack(id, error)
        }
    }

    /// The stream of call `id`, with a pass for this call alone; nil when there is no address or no pass.
    private func stream(
        _ id: String, _ plan: CallPlan, _ base: PublicURL?, for command: TelnyxCommand
    ) -> TelnyxStreaming? {
        guard let base else {
            parts.log(.error, "telnyx_no_public_url", ["hint": "set TEELINE_PUBLIC_URL"])
            return nil
        }
        let token: StreamToken
        do throws(StreamPassError) {
            token = try parts.passes.issue(carrier: .telnyx, carrierCallID: id, plan: plan)
        } catch {
            parts.log(.error, "telnyx_no_pass", ["error": .text("\(error)")])
            return nil
        }
        guard let url = parts.addresses.url(.telnyx, token: token.text, base: base) else { return nil }
        return parts.settings.telnyx.stream.streaming(url: url, for: command)
    }

    /// The plan of call `id`: what was decided, or after a restart what the rules say now.
    func plan(of id: String, _ event: TelnyxEvent) -> CallPlan {
        book.course(id)?.plan ?? parts.reception.decide(Self.door(event), context: [:])
    }

    private static func door(_ event: TelnyxEvent) -> CallAtTheDoor {
        CallAtTheDoor(carrier: .telnyx, caller: event.from, called: event.to)
    }

    // MARK: When it cannot be done

    func fallBack(_ id: String, _ failure: RESTFailure) async {
        // The caller is gone: nobody is left to be told.
        if failure == .alreadyOver || failure == .notFound { return outcome("caller_gone") }
        await fallBack(id, failure.token)
    }

    /// Tells the caller that the call cannot be taken, answering it for that if need be.
    func fallBack(_ id: String, _ cause: String) async {
        parts.log(.warning, "telnyx_fallback", ["cause": .text(cause)])
        parts.passes.leave(.telnyx, id)
        let isAnswered = (book.course(id)?.flow.phase ?? .new) >= .answered
        guard isAnswered else {
            return await answer(id, as: .fallback, plan: nil, outcome: "fallback_" + cause)
        }
        await apologise(id, as: .fallback, "fallback_" + cause)
    }

    /// Tells the caller of an answered call why nobody talks; then it is hung up.
    func apologise(_ id: String, as role: TelnyxRole, _ word: String) async {
        guard book.assume(role, plan: nil, of: id, at: Self.now) else { return }
        outcome(word)
        await say(id)
    }

    /// Says why nobody talks; the call ends when that is said, or when it takes too long.
    func say(_ id: String) async {
        let role = book.course(id)?.role == .busy ? TelnyxRole.busy : .fallback
        let words = parts.settings.words
        do throws(RESTFailure) {
            try await commands.speak(id, role == .busy ? words.busy : words.fallback, as: role)
            watch(id, seconds: Self.wordsMargin)
        } catch {
            await giveUp(id, error)
        }
    }

    private func giveUp(_ id: String, _ failure: RESTFailure) async {
        outcome("failed_" + failure.token)
        parts.log(.error, "telnyx_call_given_up", ["cause": .text(failure.token)])
        if failure != .alreadyOver { await commands.hangUp(id) }
    }

    /// Waits until call `id` has been told what there is to tell, so that a server which stops does not leave it alone in the
    /// middle of that; then it is ended.
    private func seeOut(_ id: String) async {
        let began = Self.now
        while book.course(id)?.isOver == false, Self.now - began < Self.drainMilliseconds {
            do {
                try await Task.sleep(nanoseconds: 50_000_000)
            } catch { break }
        }
        if book.course(id)?.isOver == false { await commands.hangUp(id) }
    }

    /// How long a stopping server stays with a call that it turns away, in milliseconds: it waits 10 s for its errands.
    private static let drainMilliseconds: Int64 = 9_000

    /// How long words may take, and a message beyond its longest, in seconds: then the call is ended, whatever is told.
    static let wordsMargin = 60
    static let voicemailMargin = 120

    /// Ends call `id` after `seconds` unless it is over by then.
    private func watch(_ id: String, seconds: Int) {
        Task { [book, commands, parts] in
            do {
                try await Task.sleep(nanoseconds: UInt64(max(seconds, 1)) * 1_000_000_000)
            } catch { return }
            guard book.course(id)?.isOver == false else { return }
            parts.errands.run { await commands.hangUp(id) }
        }
    }

    func outcome(_ word: String) {
        count("teeline_incoming_calls_total", "carrier", "telnyx", "outcome", word)
    }
}
