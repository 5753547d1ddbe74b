// What a server tells a carrier, and how a carrier judges it.

import Wire

/// One command of a server to a carrier.
public enum CarrierCommand: Sendable, Hashable {
    /// Sound to play; its bytes stand in the peer's `payload` until the next command is decoded.
    case media
    /// A mark to return when everything before it was played.
    case mark(name: String)
    /// Drop what is not played yet.
    case clear
    /// The message is dropped. `code` is the carrier's own: Twilio's warning 31950 (binary) or 31951 (anything
    /// else), Telnyx's error 100003 (malformed frame) or 100004 (invalid media); 0 for Exotel, which tells none.
    case refused(code: Int)
}

extension CarrierPeer {
    /// Decodes one message of the server, as strictly as the carrier is known to be: Twilio refuses a member more or
    /// less, a foreign stream id and an unknown event (error page 31951); the other two overlook what they do not know.
    /// - Parameter isBinary: the message came in a binary frame.
    public mutating func decodeCommand(
        _ message: UnsafeRawBufferPointer, isBinary: Bool = false
    ) -> CarrierCommand {
        payload.removeAll(keepingCapacity: true)
        if isBinary { return .refused(code: malformed(isBinary: true)) }
        var members = CommandMembers()
        guard members.read(message, idName: idName), let event = members.event, hasRightStream(members) else {
            return .refused(code: malformed())
        }
        let isStrict = start.carrier == .twilio
        if event.equals("clear"), !isStrict || members.names == [.event, .id] { return .clear }
        if event.equals("mark"), !isStrict || members.names == [.event, .id, .mark], let mark = members.mark,
            let name = mark.member("name")?.text?.string(limit: CarrierLimits.markName),
            !isStrict || Self.count(of: mark) == 1
        {
            return .mark(name: name)
        }
        if event.equals("media"), !isStrict || members.names == [.event, .id, .media],
            let media = members.media,
            let text = media.member("payload")?.text, !isStrict || Self.count(of: media) == 1
        {
            return decode(text) ? .media : .refused(code: invalidMedia)
        }
        return .refused(code: malformed())
    }

    private var idName: StaticString? {
        switch start.carrier {
        case .twilio: "streamSid"
        case .exotel: name("streamSid", "stream_sid")
        case .telnyx: nil
        }
    }

    /// Twilio checks the id. Exotel's own samples send made-up ones, so it cannot.
    private func hasRightStream(_ members: CommandMembers) -> Bool {
        guard start.carrier == .twilio else { return true }
        return members.id?.string(limit: CarrierLimits.id) == start.streamID
    }

    private mutating func decode(_ text: JSONText) -> Bool {
        var plain: [UInt8] = []
        text.append(to: &plain)
        return plain.withUnsafeBytes { Base64.decode($0, into: &payload) } && !payload.isEmpty
    }

    private func malformed(isBinary: Bool = false) -> Int {
        switch start.carrier {
        case .twilio: isBinary ? 31950 : 31951
        case .telnyx: 100003
        case .exotel: 0
        }
    }

    private var invalidMedia: Int { start.carrier == .telnyx ? 100004 : malformed() }

    private static func count(of object: JSONContainer) -> Int {
        var scanner = object.scanner()
        guard scanner.enterObject() else { return 0 }
        var count = 0
        while scanner.nextMember() != nil, scanner.value() != nil { count += 1 }
        return count
    }
}

/// The members of a server's command.
private struct CommandMembers {
    /// Which members were there.
    struct Names: OptionSet {
        let rawValue: UInt8
        static let event = Names(rawValue: 1)
        static let id = Names(rawValue: 2)
        static let media = Names(rawValue: 4)
        static let mark = Names(rawValue: 8)
        /// One that no command has.
        static let foreign = Names(rawValue: 16)
    }

    var names: Names = []
    var event: JSONText?
    var id: JSONText?
    var media: JSONContainer?
    var mark: JSONContainer?

    /// Takes `message` apart; false when it is not exactly one JSON object.
    mutating func read(_ message: UnsafeRawBufferPointer, idName: StaticString?) -> Bool {
        var scanner = JSONScanner(message)
        guard scanner.enterObject() else { return false }
        while let key = scanner.nextMember(), let value = scanner.value() {
            let name: Names
            if key.equals("event") {
                name = .event
                event = event ?? value.text
            } else if let idName, key.equals(idName) {
                name = .id
                id = id ?? value.text
            } else if key.equals("media") {
                name = .media
                media = media ?? value.object
            } else if key.equals("mark") {
                name = .mark
                mark = mark ?? value.object
            } else {
                name = .foreign
            }
            names.formUnion(name)
        }
        return scanner.finish()
    }
}
