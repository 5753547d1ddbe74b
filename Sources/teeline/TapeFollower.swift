// Reads a tape while another thread writes it.

import Glibc
import Tape

/// An open tape, read as far as it is written.
final class TapeFollower {
    private let descriptor: Int32
    private var parser = TapeParser()

    /// Opens the tape at `path`; nil when there is none yet.
    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// The whole records written since the last time.
    func records() -> [TapeRecord] {
        var found: [TapeRecord] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return found }
            buffer[..<count].withUnsafeBytes { parser.feed($0) }
            while let record = parser.next() { found.append(record) }
        }
    }
}
