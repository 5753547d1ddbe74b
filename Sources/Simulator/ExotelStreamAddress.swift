// A stream's address as Exotel is given it: credentials, rate and parameters are in it (carriers.md 4.1.1, 4.3).

/// What Exotel makes of a stream's address.
struct ExotelStreamAddress: Sendable {
    /// The address to connect to: without credentials, with its query.
    let url: String
    /// The Authorization field that the credentials give.
    let authorization: String?
    /// The stream's rate in hertz.
    let rate: Int
    /// The custom parameters: the query without the rate.
    let parameters: [String: String]
    /// What is wrong with it.
    let fault: String?

    init(_ text: String) {
        var problem: String?
        guard let parts = FormText.split(url: text) else {
            (url, authorization, rate, parameters, fault) = (text, nil, 8000, [:], "is no address")
            return
        }
        let place = parts.rest.prefix { $0 != "/" && $0 != "?" }
        var credentials: String?
        var host = place
        if let at = place.lastIndex(of: "@") {
            host = place[place.index(after: at)...]
            let info = place[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { FormText.decoded(Array($0.utf8), plusIsBlank: false) }
            if info.count == 2, let name = info[0], let secret = info[1] {
                credentials = FormText.basic(name, secret)
            } else {
                problem = "has credentials that are no name and secret"
            }
        }
        let tail = parts.rest[place.endIndex...]
        url = "\(parts.scheme)://\(host)\(tail)"
        authorization = credentials
        let query = tail.firstIndex(of: "?").map { String(tail[tail.index(after: $0)...]) } ?? ""
        var custom: [String: String] = [:]
        var hertz = 8000
        for (name, value) in FormText.fields(Array(query.utf8)) ?? [] {
            guard name == "sample-rate" || name == "sample_rate" else {
                custom[name] = value
                continue
            }
            hertz = Int(value) ?? 0
        }
        if ![8000, 16_000, 24_000].contains(hertz) {
            problem = "has a sample-rate that is not known"
            hertz = 8000
        }
        if custom.count > 3 { problem = "has more than 3 custom parameters" }
        let size = custom.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 1 }
        if size > 256 { problem = "has more than 256 characters of custom parameters" }
        rate = hertz
        parameters = custom
        fault = problem
    }
}
