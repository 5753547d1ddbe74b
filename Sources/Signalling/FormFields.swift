// `application/x-www-form-urlencoded` bodies: fields in order, decoded; and written again.

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
            Self.encode(field.name, into: &output)
            output.append(UInt8(ascii: "="))
            Self.encode(field.value, into: &output)
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

    private static func encode(_ text: String, into output: inout [UInt8]) {
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: output.append(byte)
            default: output += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
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
