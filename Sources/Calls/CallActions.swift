// What a call wants done; the machine itself does no I/O.

import Agents
import Audio
import Carriers
import Routing
import Tape

/// What becomes of a stream that has said who it is.
public enum StreamAdmission: Sendable {
    /// It is a call: its start, without what was for the door only, and what the call is to be.
    case admitted(StreamStart, CallPlan)
    /// It is none: why.
    case refused(CallEndReason)
}

/// The hands of a call. Messages are whole text messages in the peer's dialect.
public protocol CallActions {
    /// Send `message` to the carrier; `urgent` ones leave before the wakeup ends.
    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool)
    /// Send `message` to the agent; `urgent` ones leave before the wakeup ends.
    mutating func sendToAgent(_ message: [UInt8], urgent: Bool)
    /// The stream has said who it is: may it be a call, and which? Answered at once, from memory.
    mutating func admit(_ start: StreamStart) -> StreamAdmission
    /// Speak `text` in `format`; its sound and its end come back as `speechSound` and `speechEnded` under `number`.
    mutating func speak(_ text: String, format: AudioFormat, number: Int64)
    /// Stop what is being spoken; nothing more of it is wanted.
    mutating func stopSpeaking()
    /// Open a conversation; the answer is `agentOpened` or `agentClosed`.
    mutating func openAgent()
    /// Close the agent's socket politely.
    mutating func closeAgent()
    /// Close the carrier's socket with `code`.
    mutating func closeCarrier(code: UInt16)
    /// The stream has begun: open the row and the tape with this header.
    mutating func callStarted(_ start: StreamStart, header: TapeHeader)
    /// The agent's conversation is open under this id.
    mutating func conversationOpened(_ conversationID: String)
    /// The call has ended; no action follows. The batch left in the machine is the tape's last.
    mutating func callEnded(_ end: CallEnd)
}
