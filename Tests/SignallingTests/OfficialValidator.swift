// Asks a carrier's own Python package.

import Foundation
import Judges
import Testing

/// One of the packages of Tests/requirements.txt.
enum OfficialValidator: String {
    case twilio, telnyx, elevenlabs

    /// The answers to `lines`, one each, by one process.
    func answers(to lines: [JSONDictionary]) throws -> [JSONDictionary] {
        let script = try #require(Bundle.module.url(forResource: "Validators/official", withExtension: "py"))
        var text = Data()
        for line in lines { text += try JSONSerialization.data(withJSONObject: line) + [0x0A] }
        let output = try JudgeProgram.output(
            of: [try JudgeProgram.python(), "-X", "utf8", script.path, rawValue], input: text)
        let answers = try output.split(separator: 0x0A).map {
            try #require(JSONSerialization.jsonObject(with: $0) as? JSONDictionary)
        }
        try #require(answers.count == lines.count)
        return answers
    }
}
