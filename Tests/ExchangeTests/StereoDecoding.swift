// The judges of a recording: ffmpeg and mpg123.

import Foundation
import Judges

/// Both channels of a decoded recording.
struct StereoSound: Sendable {
    var left: [Int16]
    var right: [Int16]
}

/// Decodes MP3 files by programs that know nothing of ours.
enum StereoDecoding {
    /// What ffmpeg makes of `paths`, in their order.
    static func ffmpeg(_ paths: [String], folder: String) throws -> [StereoSound] {
        guard !paths.isEmpty else { return [] }
        var arguments = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
        for path in paths { arguments += ["-i", path] }
        let outputs = paths.indices.map { _ in folder + "/" + UUID().uuidString + ".raw" }
        for (index, output) in outputs.enumerated() {
            arguments += ["-map", "\(index):a", "-threads", "1", "-f", "s16le", output]
        }
        _ = try JudgeProgram.output(of: arguments)
        return try outputs.map { output in
            defer { unlink(output) }
            return stereo(try Data(contentsOf: URL(fileURLWithPath: output)))
        }
    }

    /// How many samples of each channel mpg123 makes of the file at `path`.
    static func mpg123Samples(_ path: String) throws -> Int {
        try JudgeProgram.output(of: ["mpg123", "-q", "-s", path]).count / 4
    }

    private static func stereo(_ data: Data) -> StereoSound {
        let count = data.count / 4
        var sound = StereoSound(
            left: [Int16](repeating: 0, count: count), right: [Int16](repeating: 0, count: count))
        data.withUnsafeBytes { raw in
            let samples = raw.bindMemory(to: Int16.self)
            sound.left.withUnsafeMutableBufferPointer { left in
                sound.right.withUnsafeMutableBufferPointer { right in
                    var index = 0
                    while index < count {
                        left[index] = samples[2 * index]
                        right[index] = samples[2 * index + 1]
                        index += 1
                    }
                }
            }
        }
        return sound
    }
}
