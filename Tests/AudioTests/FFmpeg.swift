// ffmpeg as a judge of sound.

import Foundation
import Judges

/// Runs ffmpeg over bytes.
enum FFmpeg {
    static func run(_ arguments: [String], input: [UInt8]) throws -> [UInt8] {
        let command = ["ffmpeg", "-v", "error"] + arguments
        return Array(try JudgeProgram.output(of: command, input: Data(input), seconds: 30))
    }
}
