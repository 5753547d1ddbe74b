// Records on their way to the tape: encoded at once, handed over in batches.

import Telemetry

/// The layout of a tape file, little-endian throughout:
/// `TEELTAPE`, then records of `{payload length: UInt32, kind: UInt8, zero: 3 bytes, nanoseconds: Int64,
/// position: Int64, payload, CRC-32C of all of it before: UInt32}`.
public enum TapeLayout {
    /// The first eight bytes of every tape.
    public static let magic: [UInt8] = Array("TEELTAPE".utf8)
    /// Bytes of a record before its payload.
    public static let prefix = 24
    /// Bytes of a record after its payload.
    public static let suffix = 4
    /// Most bytes of one payload: a reader takes a longer one for damage.
    public static let longestPayload = 1 << 20
}

/// Encoded records that have not reached the disk yet.
public struct TapeBatch: Sendable {
    /// The encoded records.
    public private(set) var bytes: [UInt8] = []

    /// An empty batch.
    public init() {}

    /// Whether nothing waits.
    public var isEmpty: Bool { bytes.isEmpty }

    /// Appends a record whose payload is `turn` (when given), then `payload`.
    public mutating func append(
        _ kind: TapeKind, at time: MonotonicTime, position: Int64 = 0, turn: Int64? = nil,
        payload: UnsafeRawBufferPointer
    ) {
        let length = min(payload.count, TapeLayout.longestPayload - 8) + (turn == nil ? 0 : 8)
        let start = bytes.count
        bytes.reserveCapacity(start + TapeLayout.prefix + length + TapeLayout.suffix)
        put(UInt32(length))
        put(UInt32(kind.rawValue))
        put(time.nanoseconds)
        put(position)
        if let turn { put(turn) }
        bytes.append(contentsOf: payload.prefix(TapeLayout.longestPayload - 8))
        put(bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) })
    }

    /// Appends a record with `payload`.
    public mutating func append(
        _ kind: TapeKind, at time: MonotonicTime, position: Int64 = 0, turn: Int64? = nil,
        payload: [UInt8] = []
    ) {
        payload.withUnsafeBytes { append(kind, at: time, position: position, turn: turn, payload: $0) }
    }

    /// Appends a record with `text` as UTF-8.
    public mutating func append(
        _ kind: TapeKind, at time: MonotonicTime, position: Int64 = 0, turn: Int64? = nil, text: String
    ) {
        var text = text
        text.withUTF8 {
            append(kind, at: time, position: position, turn: turn, payload: UnsafeRawBufferPointer($0))
        }
    }

    /// Takes what waits, leaving an empty batch with room for as much again.
    public mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        bytes.reserveCapacity(taken.count)
        return taken
    }

    private mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
