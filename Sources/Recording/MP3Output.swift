// Where the bytes of an MP3 go: a file, or in tests a disk that fails.
import Glibc

/// A place that takes an MP3 from start to end and lets its beginning be written again.
public protocol MP3Output: AnyObject {
    /// Writes all of `bytes` after what was written before.
    func write(_ bytes: UnsafeRawBufferPointer) throws(MP3FileError)
    /// Writes all of `bytes` over what stands at `offset`.
    func rewrite(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(MP3FileError)
}

/// A file as the place of an MP3. It does not sync: whoever seals the recording does.
public final class MP3FileOutput: MP3Output {
    /// The open descriptor (for fsync and fstat by whoever seals the file); -1 after `close`.
    public private(set) var descriptor: Int32
    private let isOwner: Bool

    /// Makes a new file at `path`, readable by its owner only; closed by `close` or with this object.
    ///
    /// - Throws: `open` with errno, also when the file exists already.
    public init(path: String) throws(MP3FileError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        isOwner = true
        guard descriptor >= 0 else { throw .open(errno: errno) }
    }

    /// Writes to an open descriptor, which stays its lender's to close. Offsets count from the start of the
    /// file.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
        isOwner = false
    }

    deinit {
        if isOwner, descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Closes the file, if this object opened it.
    public func close() throws(MP3FileError) {
        guard isOwner, descriptor >= 0 else { return }
        let code = Glibc.close(descriptor)
        descriptor = -1
        guard code == 0 else { throw .write(errno: errno) }
    }

    /// Writes all of `bytes`, in as many calls as the kernel wants.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(MP3FileError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try Self.written(Glibc.write(descriptor, rest.baseAddress, rest.count))
        }
    }

    /// Writes all of `bytes` at `offset` without moving the end.
    public func rewrite(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(MP3FileError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try Self.written(pwrite(descriptor, rest.baseAddress, rest.count, Int(offset) + done))
        }
    }

    private static func written(_ result: Int) throws(MP3FileError) -> Int {
        if result > 0 { return result }
        if result < 0, errno == EINTR { return 0 }
        // Zero bytes without an error would be repeated for ever.
        throw .write(errno: result == 0 ? EIO : errno)
    }
}
