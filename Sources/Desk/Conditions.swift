// Conditional requests, as a pure function (RFC 9110 §13).

import Net

/// What the conditions of a request come to.
public enum ConditionOutcome: Sendable, Hashable {
    /// Do it. `honorsRange` is false when If-Range says that the client has another version.
    case proceed(honorsRange: Bool)
    /// 304.
    case notModified
    /// 412.
    case failed
}

/// The validators of a representation and the rules for them.
public struct Validators: Sendable, Hashable {
    /// The opaque part of the strong entity tag, without quotes.
    public var tag: String
    /// Last-Modified, in seconds since 1970.
    public var lastModified: Int64

    /// Validators made of their parts.
    public init(tag: String, lastModified: Int64) {
        self.tag = tag
        self.lastModified = lastModified
    }

    /// The ETag field's value: strong.
    public var entityTag: String { "\"\(tag)\"" }

    /// Evaluates the conditions of a GET or HEAD request in the order of §13.2.2. Fields that cannot be read are ignored.
    public func evaluate(_ request: HTTPRequest) -> ConditionOutcome {
        if let match = request.combined("If-Match") {
            // Strong comparison (§13.1.1).
            guard matches(match, weakly: false) else { return .failed }
        } else if let text = request.header("If-Unmodified-Since"), let date = HTTPDate.parse(text) {
            guard lastModified <= date else { return .failed }
        }
        if let noneMatch = request.combined("If-None-Match") {
            // Weak comparison (§13.1.2).
            if matches(noneMatch, weakly: true) { return .notModified }
        } else if let text = request.header("If-Modified-Since"), let date = HTTPDate.parse(text) {
            if lastModified <= date { return .notModified }
        }
        guard request.method == "GET", request.header("Range") != nil else {
            return .proceed(honorsRange: false)
        }
        guard let text = request.header("If-Range") else { return .proceed(honorsRange: true) }
        return .proceed(honorsRange: isCurrent(String(text.trimmingOptionalWhitespace())))
    }

    /// If-Range (§13.1.5): the very same strong tag or the very same date; never a weak tag.
    private func isCurrent(_ validator: String) -> Bool {
        if validator.hasPrefix("\"") { return validator == entityTag }
        if validator.hasPrefix("W/") { return false }
        return HTTPDate.parse(validator) == lastModified
    }

    private func matches(_ field: String, weakly: Bool) -> Bool {
        if field.trimmingOptionalWhitespace() == "*" { return true }
        // Tags may hold commas, so the list is read tag by tag (§8.8.3).
        var rest = field[...]
        while !rest.isEmpty {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"" else { return false }
            rest = rest.dropFirst()
            guard let quote = rest.firstIndex(of: "\"") else { return false }
            if rest[..<quote] == tag, weakly || !isWeak { return true }
            rest = rest[rest.index(after: quote)...]
        }
        return false
    }
}

extension HTTPRequest {
    /// All values of a list field as one (RFC 9110 §5.3), or nil.
    func combined(_ name: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}
