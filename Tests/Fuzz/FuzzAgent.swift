// Messages of an agent and of text to speech, line by line, the answers of their REST interfaces, and webhooks.

import Agents

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    var codec = AgentCodec()
    for message in ([bytes[...]] + bytes.split(separator: 0x0A)).prefix(64) {
        do {
            _ = try codec.decode(UnsafeRawBufferPointer(rebasing: message))
            precondition(codec.payload.count <= message.count, "more sound than message")
        } catch {
            continue
        }
    }
    speech(bytes)
    history(Array(bytes))
    do { _ = try AgentEndpoint.signedURL(from: bytes) } catch { return 0 }
    return 0
}

private func speech(_ bytes: UnsafeRawBufferPointer) {
    var codec = SpeechCodec()
    do throws(AgentMessageError) { _ = try codec.decode(bytes) } catch { _ = error }
    precondition(codec.payload.count <= bytes.count, "more sound than message")
    do throws(AgentMessageError) {
        let speech = try TimedSpeech(bytes)
        precondition(speech.sound.count <= bytes.count, "more sound than message")
    } catch { _ = error }
    _ = SpeechPeer.decode(bytes)
}

private func history(_ body: [UInt8]) {
    do throws(PostCallError) {
        if case .audio(let audio) = try PostCallWebhook(body).content {
            var decoded = 0
            try audio.decode(from: body) {
                decoded += $0.count
                return true
            }
            precondition(decoded <= body.count, "more sound than message")
        }
    } catch { _ = error }
    do throws(PostCallError) { _ = try ConversationDocument(body) } catch { _ = error }
    do throws(PostCallError) { _ = try InitiationRequest(body) } catch { _ = error }
    do throws(PostCallError) { _ = try NativeCallAnswer(body) } catch { _ = error }
    do throws(PostCallError) { _ = try ConversationToken(body) } catch { _ = error }
    do throws(PostCallError) {
        let page = try ConversationPage(body)
        precondition(page.items.count <= ConversationPage.sizeLimit, "more conversations than a page has")
    } catch { _ = error }
}
