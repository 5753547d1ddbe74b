// What is known of a customer, by telephone number.

import Wire

/// A telephone number as a key: E.164, or what a carrier says literally ("client:name").
///
/// Not routing's `PhoneNumber`, which compares what carriers say and refuses nothing: it takes 17 digits, blanks within a
/// name, a slash. A key stands in rows and in the paths of the API, so it is refused where it is no address. Of a text that
/// both take for digits both make the same.
public enum PhoneKey {
    /// The key of `text`: a number with "+" loses its spaces, dashes, points and brackets and must be E.164 (ITU-T
    /// E.164 §6: at most 15 digits); digits without "+" lose them too, and stay as they are; everything else must be
    /// at most 128 printable ASCII characters without spaces and slashes. Nil when it is none of these.
    public static func normalised(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 128 else { return nil }
        let bare = bytes.filter { ![0x20, 0x28, 0x29, 0x2D, 0x2E].contains($0) }
        let digits = bare.first == 0x2B ? bare.dropFirst() : bare[...]
        if !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            let number = String(decoding: bare, as: UTF8.self)
            return bare.first != 0x2B || isE164(number) ? number : nil
        }
        guard bytes.first != 0x2B, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
            return nil
        }
        return text
    }

    /// Whether `text` is "+" and 2 to 15 digits of which the first is not 0 (ITU-T E.164 §6).
    public static func isE164(_ text: String) -> Bool {
        let digits = text.utf8.dropFirst()
        return text.utf8.first == 0x2B && (2...15).contains(digits.count) && digits.first != 0x30
            && digits.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }
}

/// What is known of the customer behind a number.
public struct ContextRow: Sendable, Hashable {
    /// The number, normalised (`PhoneKey`). Personal: never in a log.
    public var phone: String
    /// Names and values. Personal: never in a log.
    public var fields: [String: String]
    /// When it was last changed (microseconds UTC); on the way in the archive's own clock decides.
    public var updatedAt: Int64

    /// A context made of its parts.
    public init(phone: String, fields: [String: String], updatedAt: Int64 = 0) {
        self.phone = phone
        self.fields = fields
        self.updatedAt = updatedAt
    }

    /// Most fields of one context.
    public static let fieldLimit = 64
    /// Most bytes of one context's fields as JSON.
    public static let byteLimit = 16 << 10

    /// The fields as one JSON object, names in order.
    public var json: String {
        JSON.object(
            fields.sorted { $0.key < $1.key }.map { (name: $0.key, json: JSON.quoted($0.value)) })
    }

    /// The name of what is out of its bounds; nil when nothing is.
    public var fault: String? {
        guard PhoneKey.normalised(phone) == phone else { return "phone" }
        guard fields.count <= Self.fieldLimit, json.utf8.count <= Self.byteLimit else { return "fields" }
        // A zero byte ends a text where C reads it.
        let isSound = fields.allSatisfy {
            !$0.key.isEmpty && $0.key.utf8.count <= 128 && !$0.key.utf8.contains(0)
                && !$0.value.utf8.contains(0)
        }
        return isSound ? nil : "fields"
    }
}

/// Says nothing of the customer, wherever it is printed.
extension ContextRow: CustomStringConvertible, CustomDebugStringConvertible {
    /// How many fields.
    public var description: String { "context of \(fields.count) fields" }
    /// The same as `description`: a dump must not tell more.
    public var debugDescription: String { description }
}

/// A page of contexts.
public struct ContextPage: Sendable, Hashable {
    /// The contexts, by number.
    public var items: [ContextRow]
    /// The number after which the next page begins; nil on the last.
    public var next: String?
}
