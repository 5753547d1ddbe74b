// The hands of a live call: frames go straight to the sockets, wishes wait for the step's end.

import Audio
import Calls
import Carriers
import Net
import Tape

/// A call's sockets, and what its machine wished for in the present step. Confined to the call's loop.
struct CallPorts: CallActions {
    /// What waits until the machine's step is over.
    struct Wishes {
        var started: (StreamStart, TapeHeader)?
        var opensAgent = false
        var closesAgent = false
        var conversation: String?
        var carrierCloseCode: UInt16?
        var end: CallEnd?
        var speech: SpokenText?
        var stopsSpeaking = false
    }
    /// A text that is to be spoken.
    struct SpokenText {
        var text: String
        var format: AudioFormat
        var number: Int64
    }

    var carrier: WebSocketConnection?
    var agent: WebSocketConnection?
    /// Says what becomes of a stream that has said who it is.
    let admission: @Sendable (StreamStart) -> StreamAdmission
    private(set) var hasWishes = false
    private var wishes = Wishes()

    init(admission: @escaping @Sendable (StreamStart) -> StreamAdmission) { self.admission = admission }

    mutating func takeWishes() -> Wishes {
        let taken = wishes
        wishes = Wishes()
        hasWishes = false
        return taken
    }

    mutating func closeAgentSocket() {
        agent?.close(code: 1000, reason: "")
        agent = nil
    }

    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool) {
        carrier?.send(text: message)
        if urgent { carrier?.flush() }
    }

    mutating func sendToAgent(_ message: [UInt8], urgent: Bool) {
        agent?.send(text: message)
        if urgent { agent?.flush() }
    }

    mutating func admit(_ start: StreamStart) -> StreamAdmission { admission(start) }

    mutating func speak(_ text: String, format: AudioFormat, number: Int64) {
        wishes.speech = SpokenText(text: text, format: format, number: number)
        hasWishes = true
    }

    mutating func stopSpeaking() {
        wishes.stopsSpeaking = true
        hasWishes = true
    }

    mutating func openAgent() {
        wishes.opensAgent = true
        hasWishes = true
    }

    mutating func closeAgent() {
        wishes.closesAgent = true
        hasWishes = true
    }

    mutating func closeCarrier(code: UInt16) {
        wishes.carrierCloseCode = code
        hasWishes = true
    }

    mutating func callStarted(_ start: StreamStart, header: TapeHeader) {
        wishes.started = (start, header)
        hasWishes = true
    }

    mutating func conversationOpened(_ conversationID: String) {
        wishes.conversation = conversationID
        hasWishes = true
    }

    mutating func callEnded(_ end: CallEnd) {
        wishes.end = end
        hasWishes = true
    }
}
