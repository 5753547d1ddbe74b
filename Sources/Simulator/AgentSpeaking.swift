// How a simulated agent speaks: its turns, its bursts of sound, its interruptions.

extension AgentConversation {
    func isSpeaking(at now: Int64) -> Bool {
        guard let speaking else { return false }
        return now < speaking.startedAt + sounds.microseconds(of: speaking.turn)
    }

    func beginTurn(at now: Int64) {
        if settings.repeats, nextTurn == settings.turns.count { nextTurn = 0 }
        guard nextTurn < settings.turns.count, !settings.faults.contains(.mute) else { return }
        let turn = settings.turns[nextTurn]
        var answers = false
        switch turn.trigger {
        case .at(let milliseconds):
            guard now - metadataAt >= Int64(milliseconds) * 1000 else { return }
            if isSpeaking(at: now) { interrupt(at: now) }
        case .afterPrevious(let milliseconds):
            guard !isSpeaking(at: now), now - spokenUntil >= Int64(milliseconds) * 1000 else { return }
        case .afterCaller:
            guard !isSpeaking(at: now), callerSpoke,
                detector.silence >= Int64(settings.endOfTurnMilliseconds) * 1000
            else { return }
            answers = true
        }
        if let interruptedID, settings.replyHasInterruptionID {
            eventID = interruptedID
        } else {
            eventID = max(eventID, interruptedID ?? 0) + 1
        }
        interruptedID = nil
        if answers {
            callerSpoke = false
            detector.reset()
        }
        if answers, !settings.answersBeforeTranscript {
            send { peer.encodeUserTranscript(turn.heard, eventID: eventID, into: &$0) }
        }
        send { peer.encodeAgentResponse(turn.text, eventID: eventID, into: &$0) }
        if answers, settings.answersBeforeTranscript {
            send { peer.encodeUserTranscript(turn.heard, eventID: eventID, into: &$0) }
        }
        if let tool = turn.clientTool {
            send {
                peer.encodeClientToolCall(
                    name: tool, callID: "toolu_\(eventID)", eventID: eventID, expectsResponse: true, into: &$0
                )
            }
        }
        noteSpoken(at: now)
        speaking = Speaking(turn: nextTurn, startedAt: now)
        spokenUntil = now + sounds.microseconds(of: nextTurn)
        record.turns.append(
            SpokenTurn(
                turn: nextTurn, eventID: eventID, sentAt: Int((now - openedAt) / 1000), samplesSent: 0,
                interrupted: false, believedHeard: 0))
        nextTurn += 1
    }

    /// Sends what the burst factor allows for one tick, in chunks of irregular sizes.
    func sendSound(at now: Int64) {
        guard var current = speaking, !current.completed else { return }
        let sound = sounds.bytes(of: current.turn)
        let width = settings.output.bytesPerSample
        let allowed = (now - current.startedAt + 20_000) * Int64(settings.burstFactor)
        let samples = Int(clamping: allowed * Int64(settings.output.rate) / 1_000_000)
        let end = min(samples * width, sound.count)
        while current.sentBytes < end {
            var size = 1 + generator.below(settings.chunkSamples)
            if width == 1 { size |= 1 }
            let stop = min(current.sentBytes + size * width, sound.count)
            chunk.removeAll(keepingCapacity: true)
            chunk.append(contentsOf: sound[current.sentBytes..<stop])
            sendChunk(first: current.sentBytes == 0)
            current.sentBytes = stop
        }
        record.turns[record.turns.count - 1].samplesSent = current.sentBytes / width
        if current.sentBytes >= sound.count {
            current.completed = true
            if settings.sendsCompletion {
                send { peer.encodeAgentResponseComplete(eventID: eventID, into: &$0) }
            }
            if settings.turns[current.turn].endsCall { hangUp(at: now) }
        }
        speaking = current
    }

    func sendChunk(first: Bool) {
        chunks &+= 1
        if let outputCoding {
            outputCoding.write(
                LatencyMarker(
                    kind: first ? .turn : .chunk, call: call ?? 0, sequence: chunks, microseconds: Self.now),
                into: &chunk)
        }
        sendAudio(eventID: eventID)
    }

    func sendAudio(eventID: Int64) {
        message.removeAll(keepingCapacity: true)
        chunk.withUnsafeBytes { peer.encodeAudio($0, eventID: eventID, into: &message) }
        socket?.send(text: message)
    }

    func hangUp(at now: Int64) {
        send { peer.encodeToolResponse(callID: "toolu_end_call", eventID: eventID, into: &$0) }
        record.closedByAgent = true
        phase = .leaving
        leaveAt = now + 50_000
    }

    /// Notes how much of the current turn the agent believes was heard.
    func noteSpoken(at now: Int64) {
        guard let speaking, !record.turns.isEmpty else { return }
        let heard = min(now - speaking.startedAt, sounds.microseconds(of: speaking.turn))
        record.turns[record.turns.count - 1].believedHeard = Int(heard / 1000)
    }

    func interrupt(at now: Int64) {
        guard let current = speaking else { return }
        noteSpoken(at: now)
        record.turns[record.turns.count - 1].interrupted = true
        let cutID = eventID
        let id = cutID + 1
        interruptedID = id
        record.interruptions.append(id)
        send { peer.encodeInterruption(eventID: id, into: &$0) }
        socket?.flush()
        if let call { settings.board?.interrupted(call: call, at: now) }
        let text = settings.turns[current.turn].text
        let share = Double(now - current.startedAt) / Double(max(sounds.microseconds(of: current.turn), 1))
        send {
            peer.encodeAgentResponseCorrection(
                original: text, corrected: Self.cut(text, to: share), eventID: cutID, into: &$0)
        }
        if settings.sendsLateChunk {
            let sound = sounds.bytes(of: current.turn)
            let width = settings.output.bytesPerSample
            chunk = Array(sound.suffix(min(sound.count, settings.output.rate / 50 * width)))
            sendAudio(eventID: cutID)
        }
        speaking = nil
        spokenUntil = now
        callerSpoke = callerSpoke || detector.speech > 0
    }

    /// The words of `text` that fit into `share` of it, with an ellipsis.
    static func cut(_ text: String, to share: Double) -> String {
        let words = text.split(separator: " ")
        let kept = Int((Double(words.count) * min(max(share, 0), 1)).rounded(.down))
        return words.prefix(kept).joined(separator: " ") + "..."
    }
}
