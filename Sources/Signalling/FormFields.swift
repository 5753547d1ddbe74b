// `application/x-www-form-urlencoded` bodies: fields in order, decoded; and written again.

import Wire

/// The fields of a form, in order; names may repeat.
public struct FormFields: Sendable {
    /// Names and values, decoded.
    public var fields: [(name: String, value: String)]

    /// Fields made of pairs.
    public init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }

    /// Reads `body` (URL Standard §5.1: "+" is a blank, bytes that are no UTF-8 are refused). Nil for a bad escape, bytes
    /// that are no UTF-8, or more than `limit` fields.
    public init?(_ body: some Collection<UInt8>, limit: Int = 512) {
        fields = []
        for pair in body.split(separator: UInt8(ascii: "&")) {
            guard fields.count < limit else { return nil }
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            let name = pair[..<(equals ?? pair.endIndex)]
            let value = equals.map { pair[pair.index(after: $0)...] } ?? pair[pair.endIndex...]
            guard let name = Self.decode(name), let value = Self.decode(value) else { return nil }
            fields.append((name, value))
        }
    }

    /// The first value of `name`, or nil.
    public func first(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// The fields as a body: all but RFC 3986's unreserved characters percent-encoded.
    public var body: [UInt8] {
        var output: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { output.append(UInt8(ascii: "&")) }
            PercentCoding.append(field.name, to: &output)
            output.append(UInt8(ascii: "="))
            PercentCoding.append(field.value, to: &output)
        }
        return output
    }

    private static func decode(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
