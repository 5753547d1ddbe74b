// Bytes of a tape file to records; cuts a torn tail at the first record that is not whole.

import Telemetry

/// Reads records out of a tape's bytes as they come. Pure: somebody else reads the file.
public struct TapeParser: Sendable {
    /// Bytes of the file consumed as whole, checked records (and the magic).
    public private(set) var validBytes: Int64 = 0
    /// Whether something that is no record was met; nothing after it is read.
    public private(set) var isDamaged = false
    private var pending: [UInt8] = []
    private var start = 0

    /// A parser at the beginning of a tape.
    public init() {}

    /// Bytes received and not yet part of a whole record: the torn tail, once the file is at its end.
    public var pendingBytes: Int { pending.count - start }

    /// Takes the file's next bytes.
    public mutating func feed(_ bytes: UnsafeRawBufferPointer) {
        guard !isDamaged else { return }
        if start > 0 {
            pending.removeFirst(start)
            start = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next whole record, or nil when more bytes are needed or the tape is damaged. Records of a kind
    /// unknown to this version are passed over.
    public mutating func next() -> TapeRecord? {
        while !isDamaged {
            if validBytes == 0 {
                guard pendingBytes >= TapeLayout.magic.count else { return nil }
                guard pending[start..<start + TapeLayout.magic.count].elementsEqual(TapeLayout.magic) else {
                    isDamaged = true
                    return nil
                }
                consume(TapeLayout.magic.count)
                continue
            }
            guard pendingBytes >= TapeLayout.prefix else { return nil }
            let length = Int(load(UInt32.self, at: 0))
            guard length <= TapeLayout.longestPayload else {
                isDamaged = true
                return nil
            }
            let whole = TapeLayout.prefix + length + TapeLayout.suffix
            guard pendingBytes >= whole else { return nil }
            let checked = pending.withUnsafeBytes {
                CRC32C.checksum(
                    UnsafeRawBufferPointer(rebasing: $0[start..<start + whole - TapeLayout.suffix]))
            }
            guard checked == load(UInt32.self, at: whole - TapeLayout.suffix) else {
                isDamaged = true
                return nil
            }
            let kind = TapeKind(rawValue: UInt8(truncatingIfNeeded: load(UInt32.self, at: 4)))
            let payload = start + TapeLayout.prefix
            let record = kind.map {
                TapeRecord(
                    kind: $0, time: MonotonicTime(nanoseconds: load(Int64.self, at: 8)),
                    position: load(Int64.self, at: 16), payload: pending[payload..<payload + length],
                    offset: validBytes)
            }
            consume(whole)
            if let record { return record }
        }
        return nil
    }

    private func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value {
        pending.withUnsafeBytes {
            Value(littleEndian: $0.loadUnaligned(fromByteOffset: start + offset, as: Value.self))
        }
    }

    private mutating func consume(_ count: Int) {
        start += count
        validBytes += Int64(count)
    }
}
