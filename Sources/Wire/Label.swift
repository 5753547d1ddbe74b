// A peer's name for something, cut down to what may stand in a log or a metric.

extension JSONText {
    /// At most 64 ASCII letters, digits, `_`, `.` and `-` of the text; each other byte becomes `_`.
    ///
    /// For names of unknown messages: a peer must not be able to write into our logs.
    public var label: String {
        let kept = bytes.prefix(64).map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x2D: byte
            default: 0x5F
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
