// Parameters of a list's query: what there is, and what is wrong with one.

/// A parameter that a list takes.
public struct QueryParameter: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// What it means, in one line.
    public var meaning: String
    /// The JSON schema of its value, as JSON.
    public var schema: String
}

/// What is wrong with a parameter.
public struct ParameterError: Error, Sendable, Hashable {
    /// What can be wrong.
    public enum Kind: Sendable, Hashable {
        /// Nothing is known of such a parameter.
        case unknown
        /// It stands in the query more than once, so that one of its values would have no effect.
        case repeated
        /// Its value cannot be read.
        case bad
    }

    /// Its name as it may be told: see `PlainWord`.
    public var name: String
    /// What is wrong.
    public var kind: Kind

    /// As a problem.
    var problem: Problem {
        let fault =
            switch kind {
            case .unknown: "is not known here"
            case .repeated: "stands there more than once"
            case .bad: "cannot be read"
            }
        return Problem(status: 400, code: "bad_parameter", detail: "The query parameter \(name) \(fault).")
    }
}

extension ParameterError {
    /// The first parameter of `query` that is unknown, stands there twice, or is not taken by `set`.
    static func first(
        in query: [(name: String, value: String)], of known: [QueryParameter],
        set: (_ name: String, _ value: String) -> Bool
    ) -> ParameterError? {
        var seen: Set<String> = []
        for (name, value) in query {
            guard known.contains(where: { $0.name == name }) else {
                return ParameterError(name: PlainWord.told(name), kind: .unknown)
            }
            guard seen.insert(name).inserted else { return ParameterError(name: name, kind: .repeated) }
            guard set(name, value) else { return ParameterError(name: name, kind: .bad) }
        }
        return nil
    }

    /// A page's length, 1 to `most`, in digits only.
    static func limit(_ value: String, most: Int) -> Int? {
        guard value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(value) else {
            return nil
        }
        return (1...most).contains(number) ? number : nil
    }
}

/// Names from outside, as an answer may repeat them.
enum PlainWord {
    /// `name` when it is a plain word: at most 64 letters, digits, points, dashes and underscores, at least one of
    /// them a letter, since digits alone may be somebody's number.
    static func told(_ name: String) -> String {
        let isPlain =
            (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
        return isPlain && name.contains(where: \.isLetter) ? name : "(another one)"
    }
}
