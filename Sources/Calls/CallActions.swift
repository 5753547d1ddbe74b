// What a call wants done; the machine itself does no I/O.

import Agents
import Carriers
import Tape

/// The hands of a call. Messages are whole text messages in the peer's dialect.
public protocol CallActions {
    /// Send `message` to the carrier; `urgent` ones leave before the wakeup ends.
    mutating func sendToCarrier(_ message: [UInt8], urgent: Bool)
    /// Send `message` to the agent; `urgent` ones leave before the wakeup ends.
    mutating func sendToAgent(_ message: [UInt8], urgent: Bool)
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
