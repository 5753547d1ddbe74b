// A growing run of raw bytes: appended at the end, taken from the front.

/// Bytes in one malloc'ed block, appended at the end and taken from the front. Not copyable: one owner.
struct ByteQueue: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var head = 0
    private var tail = 0

    /// An empty queue without storage.
    init() {}
    deinit { base?.deallocate() }

    /// Bytes in the queue.
    var count: Int { tail - head }
    /// Whether nothing is in the queue.
    var isEmpty: Bool { tail == head }
    /// The bytes, valid until the queue is changed.
    var bytes: UnsafeMutableRawBufferPointer {
        guard let base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: base + head, count: tail - head)
    }

    /// Makes room for `more` bytes and says where they go; `commit` makes them count.
    mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
        if let base, capacity - tail >= more { return base + tail }
        let live = tail - head
        if let base, capacity - live >= more, head >= capacity / 4 {
            base.copyMemory(from: base + head, byteCount: live)
            (head, tail) = (0, live)
            return base + live
        }
        var size = max(capacity * 2, 512)
        while size < live + more { size *= 2 }
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        if let base {
            block.copyMemory(from: base + head, byteCount: live)
            base.deallocate()
        }
        (base, capacity, head, tail) = (block, size, 0, live)
        return block + live
    }

    /// Adds the `count` bytes written at `reserve`'s address.
    mutating func commit(_ count: Int) { tail += count }

    /// Appends `source`.
    mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, !source.isEmpty else { return }
        reserve(source.count).copyMemory(from: start, byteCount: source.count)
        tail += source.count
    }

    /// Takes `count` bytes off the front. A block grown large is let go when it is empty.
    mutating func removeFirst(_ count: Int) {
        head += min(count, tail - head)
        guard head == tail else { return }
        (head, tail) = (0, 0)
        if capacity > 64 << 10 {
            base?.deallocate()
            (base, capacity) = (nil, 0)
        }
    }

    /// Empties the queue.
    mutating func removeAll() { removeFirst(tail - head) }
}
