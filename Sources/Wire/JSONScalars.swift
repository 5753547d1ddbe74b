// Strings, numbers and literals of a JSON text: the part of the scanner that reads what has no members.

extension JSONScanner {
    /// Consumes the string that stands here (its opening quote is next), validating escapes and UTF-8.
    mutating func string() -> JSONText? {
        position &+= 1
        let begin = position
        var hasEscapes = false
        while true {
            skipPlain()
            guard position < bytes.count else { break }
            let byte = bytes[position]
            if byte == 0x22 {
                let slice = UnsafeRawBufferPointer(rebasing: bytes[begin..<position])
                position &+= 1
                return JSONText(bytes: slice, hasEscapes: hasEscapes)
            }
            if byte == 0x5C {
                hasEscapes = true
                guard skipEscape() else { break }
            } else {
                // A control character has to be escaped (RFC 8259, 7).
                guard byte >= 0x80, skipUTF8(byte) else { break }
            }
        }
        fail()
        return nil
    }

    /// Moves to the next byte that is a quote, a backslash, a control character or not ASCII; eight at a time.
    @inline(__always)
    private mutating func skipPlain() {
        var here = position
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while here &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: here, as: UInt64.self))
            // A byte of x is zero where (x - 1) borrows into its high bit: exact for the lowest such byte.
            let quote = word ^ (ones &* 0x22)
            let escape = word ^ (ones &* 0x5C)
            let found =
                ((quote &- ones) & ~quote | (escape &- ones) & ~escape | (word &- ones &* 0x20) & ~word | word)
                & highs
            if found != 0 {
                position = here &+ found.trailingZeroBitCount / 8
                return
            }
            here &+= 8
        }
        while here < bytes.count {
            let byte = bytes[here]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { break }
            here &+= 1
        }
        position = here
    }

    /// Moves past the escape that stands here; false when it is none.
    private mutating func skipEscape() -> Bool {
        guard position &+ 1 < bytes.count else { return false }
        switch bytes[position &+ 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            position &+= 2
            return true
        case 0x75:
            guard JSONText.codeUnit(in: bytes, at: position &+ 2) != nil else { return false }
            position &+= 6
            return true
        default: return false
        }
    }

    /// Moves past the UTF-8 sequence that starts with `lead` (RFC 3629, 4: no overlong form, no surrogate).
    private mutating func skipUTF8(_ lead: UInt8) -> Bool {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return false
        }
        guard position &+ length <= bytes.count, second.contains(bytes[position &+ 1]) else { return false }
        for offset in 2..<max(length, 2) {
            guard bytes[position &+ offset] & 0xC0 == 0x80 else { return false }
        }
        position &+= length
        return true
    }

    /// Consumes the number that stands here, in the grammar of RFC 8259, 6.
    mutating func number() -> JSONNumber? {
        let begin = position
        if byteHere == 0x2D { position &+= 1 }
        let isZero = byteHere == 0x30
        let digits = skipDigits()
        var isValid = digits == 1 || digits > 1 && !isZero
        if isValid, byteHere == 0x2E {
            position &+= 1
            isValid = skipDigits() > 0
        }
        if isValid, byteHere == 0x65 || byteHere == 0x45 {
            position &+= 1
            if byteHere == 0x2B || byteHere == 0x2D { position &+= 1 }
            isValid = skipDigits() > 0
        }
        guard isValid else {
            fail()
            return nil
        }
        return JSONNumber(bytes: UnsafeRawBufferPointer(rebasing: bytes[begin..<position]))
    }

    /// Consumes exactly the letters of `word`.
    mutating func literal(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position &+ count <= bytes.count else { return fail() }
        for offset in 0..<count where bytes[position &+ offset] != word.utf8Start[offset] { return fail() }
        position &+= count
        return true
    }

    private var byteHere: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipDigits() -> Int {
        let begin = position
        while position < bytes.count, bytes[position] &- 0x30 < 10 { position &+= 1 }
        return position &- begin
    }
}
