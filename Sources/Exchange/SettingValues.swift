// Checked values of all keys, as the kinds they are of.

import Cryptography
import Foundation

/// Values by key name, every one of its kind and within its bounds.
struct SettingValues {
    let values: [String: String]

    func text(_ name: String) -> String { values[name] ?? "" }
    func number(_ name: String) -> Int64 { Int64(text(name)) ?? 0 }
    func count(_ name: String) -> Int { Int(number(name)) }
    func decimal(_ name: String) -> Double { Double(text(name)) ?? 0 }
    func flag(_ name: String) -> Bool { text(name).lowercased() == "true" || text(name) == "1" }

    /// The parts of a comma-separated list, without blanks around them.
    func list(_ name: String) -> [String] {
        text(name).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
    }

    /// A list of secrets.
    func secrets(_ name: String) -> [Secret] { list(name).map { Secret($0) } }

    /// A list of `name:secret`; nil when an entry has no colon.
    func pairs(_ name: String) -> [(name: String, secret: Secret)]? {
        var pairs: [(name: String, secret: Secret)] = []
        for entry in list(name) {
            guard let colon = entry.firstIndex(of: ":"), colon > entry.startIndex else { return nil }
            pairs.append((String(entry[..<colon]), Secret(String(entry[entry.index(after: colon)...]))))
        }
        return pairs
    }
}
