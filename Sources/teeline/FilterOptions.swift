// The filters of a command line, read by the reader of the API's query: both always mean the same.

import Desk

/// Filters of lists and exports.
enum FilterOptions {
    /// The query that the options ask for.
    /// - Throws: `CommandFailure` of usage, naming the option that cannot be read.
    static func query(_ arguments: ParsedArguments) throws(CommandFailure) -> RecordingQuery {
        let given = RecordingQuery.parameters.compactMap { parameter in
            arguments.values[option(parameter.name)].map { (name: parameter.name, value: $0) }
        }
        switch RecordingQuery.read(given) {
        case .success(let query): return query
        case .failure(let error):
            let meaning = RecordingQuery.parameters.first { $0.name == error.name }?.meaning ?? ""
            throw CommandFailure(.usage, "\(option(error.name)) cannot be read. \(meaning).")
        }
    }

    /// The option of the query's parameter `name`.
    static func option(_ name: String) -> String { "--" + name.replacing("_", with: "-") }
}
