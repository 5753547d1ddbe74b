// A cursor over the bytes of one JSON text (RFC 8259): walks objects and arrays, skips and validates values.

/// Reads one JSON text in a single pass, without allocating and without trusting a byte of it.
///
/// Walk an object with `enterObject`, then `nextMember` until it is nil; consume every member's value with `value`,
/// or by entering it. Close with `finish`, which refuses bytes after the text. The first failure stays: after it
/// every call answers nil or false. What the scanner hands out points into the message: valid while its bytes are.
public struct JSONScanner {
    /// Deepest nesting accepted, counted from the outermost container.
    public static let maximumDepth = 64

    /// The whole text.
    let bytes: UnsafeRawBufferPointer
    /// The next byte to read.
    var position = 0
    /// Containers entered and not yet left.
    var depth = 0
    /// The container just entered has shown no member yet.
    var isFirst = false
    /// The bytes are not JSON (or nest too deeply).
    public private(set) var failed = false

    /// A scanner at the start of `bytes`.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next byte that is not white space, without consuming it; nil at the end.
    @inline(__always)
    mutating func peek() -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            if byte > 0x20 { return byte }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position &+= 1
        }
        return nil
    }

    /// Notes the failure; always false.
    @discardableResult
    mutating func fail() -> Bool {
        failed = true
        position = bytes.count
        return false
    }

    /// Enters the object that stands here; false (and nothing consumed) when it is something else.
    public mutating func enterObject() -> Bool { enter(0x7B) }

    /// Enters the array that stands here; false (and nothing consumed) when it is something else.
    public mutating func enterArray() -> Bool { enter(0x5B) }

    private mutating func enter(_ bracket: UInt8) -> Bool {
        guard !failed, peek() == bracket else { return false }
        guard depth < Self.maximumDepth else { return fail() }
        position &+= 1
        depth &+= 1
        isFirst = true
        return true
    }

    /// The name of the next member of the object entered; nil at its end, which is consumed, or on a failure.
    public mutating func nextMember() -> JSONText? {
        guard !failed, let byte = peek() else {
            fail()
            return nil
        }
        if byte == 0x7D {
            leave()
            return nil
        }
        if !isFirst {
            guard byte == 0x2C else {
                fail()
                return nil
            }
            position &+= 1
        }
        isFirst = false
        return memberName()
    }

    /// Whether the array entered has another element, at which the scanner then stands; its end is consumed.
    public mutating func nextElement() -> Bool {
        guard !failed, let byte = peek() else { return fail() }
        if byte == 0x5D {
            // A bracket after a comma is not an end: the comma is only consumed together with a value below.
            leave()
            return false
        }
        if !isFirst {
            guard byte == 0x2C else { return fail() }
            position &+= 1
            guard let next = peek(), next != 0x5D else { return fail() }
        }
        isFirst = false
        return true
    }

    private mutating func leave() {
        position &+= 1
        depth &-= 1
        isFirst = false
    }

    /// Consumes the value that stands here, validating all of it; nil on a failure.
    public mutating func value() -> JSONValue? {
        guard !failed, let byte = peek() else {
            fail()
            return nil
        }
        switch byte {
        case 0x22: return string().map(JSONValue.string)
        case 0x7B, 0x5B:
            let begin = position
            guard skipContainer() else { return nil }
            let slice = UnsafeRawBufferPointer(rebasing: bytes[begin..<position])
            return byte == 0x7B ? .object(JSONContainer(bytes: slice)) : .array(JSONContainer(bytes: slice))
        case 0x74: return literal("true") ? .bool(true) : nil
        case 0x66: return literal("false") ? .bool(false) : nil
        case 0x6E: return literal("null") ? .null : nil
        default: return number().map(JSONValue.number)
        }
    }

    /// Whether exactly one whole JSON text was consumed: nothing failed, nothing is open, nothing follows.
    public mutating func finish() -> Bool {
        guard !failed, depth == 0, position > 0, peek() == nil else { return false }
        return true
    }

    /// A member's name and the colon after it.
    mutating func memberName() -> JSONText? {
        guard peek() == 0x22, let name = string() else {
            fail()
            return nil
        }
        guard peek() == 0x3A else {
            fail()
            return nil
        }
        position &+= 1
        return name
    }

    /// Skips the container that stands here, without recursion: one bit a level says whether it is an object.
    private mutating func skipContainer() -> Bool {
        var objects: UInt64 = 0
        var level = 0
        values: while true {
            guard let byte = peek() else { return fail() }
            if byte == 0x7B || byte == 0x5B {
                guard depth &+ level < Self.maximumDepth else { return fail() }
                level &+= 1
                objects = objects << 1 | (byte == 0x7B ? 1 : 0)
                position &+= 1
                // The closing brackets stand two after the opening ones in ASCII.
                if peek() == byte &+ 2 {
                    position &+= 1
                    level &-= 1
                    objects >>= 1
                } else {
                    if byte == 0x7B { guard memberName() != nil else { return false } }
                    continue values
                }
            } else {
                guard skipScalar(byte) else { return false }
            }
            while true {
                if level == 0 { return true }
                guard let next = peek() else { return fail() }
                position &+= 1
                if next == 0x2C {
                    if objects & 1 == 1 { guard memberName() != nil else { return false } }
                    continue values
                }
                guard next == (objects & 1 == 1 ? 0x7D : 0x5D) else { return fail() }
                level &-= 1
                objects >>= 1
            }
        }
    }

    private mutating func skipScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22: string() != nil
        case 0x74: literal("true")
        case 0x66: literal("false")
        case 0x6E: literal("null")
        default: number() != nil
        }
    }
}
