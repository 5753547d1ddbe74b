// The places of streams: as many as calls may be, and fewer for those of which nobody knows yet which call they are.

/// What an upgrade that wants a place has shown.
struct PlaceClaim: Sendable, Equatable {
    /// Its stream token; nil for none.
    var token: String?
    /// Whether a carrier or a call that is known stands behind it: such streams are as many as the calls that there are.
    /// Others bear a token that was issued for any call.
    var isOfACall = true
}

/// Why an upgrade gets no place.
enum PlaceRefusal: String, Error, Sendable {
    /// The server is stopping.
    case draining
    /// As many calls as may be.
    case tooManyCalls = "too_many_calls"
    /// Too many streams without a start, of the token or in all.
    case tooManyStreams = "too_many_streams"
}

/// Who has a place, from the moment the upgrade is answered until the call has ended. Its owner guards it.
struct StreamPlaces {
    /// Most streams without a start of one token: a carrier may open a second one while we still have the first, broken one.
    static let perToken = 2

    private let calls: Int
    /// Streams without a start, by session.
    private var waiting: [String: PlaceClaim] = [:]
    /// Sessions whose upgrade is answered and whose socket is not there yet.
    private var upgrading: Set<String> = []

    /// Places for `calls` calls.
    init(calls: Int) { self.calls = calls }

    /// Places that no live call has, but will.
    var underWay: Int { upgrading.count }

    /// Most streams without a start whose token is of no call that is known: a quarter of all places.
    var share: Int { max(1, calls / 4) }

    /// Session `key` wants a place beside `live` calls. Nil when it has one.
    mutating func take(_ key: String, _ claim: PlaceClaim, live: Int) -> PlaceRefusal? {
        guard live + upgrading.count < calls else { return .tooManyCalls }
        if let token = claim.token, waiting.values.count(where: { $0.token == token }) >= Self.perToken {
            return .tooManyStreams
        }
        if !claim.isOfACall, waiting.values.count(where: { !$0.isOfACall }) >= share {
            return .tooManyStreams
        }
        waiting[key] = claim
        upgrading.insert(key)
        return nil
    }

    /// The socket of `key` is there: from now on it is one of the live calls.
    mutating func opened(_ key: String) { upgrading.remove(key) }

    /// No socket came of the upgrade of `key`, if none has.
    mutating func abandon(_ key: String) {
        guard upgrading.remove(key) != nil else { return }
        waiting[key] = nil
    }

    /// The stream of `key` has begun: it is a call.
    mutating func began(_ key: String) { waiting[key] = nil }

    /// The stream of `key` is over. Returns what it had shown when it has never begun.
    mutating func left(_ key: String) -> PlaceClaim? {
        upgrading.remove(key)
        return waiting.removeValue(forKey: key)
    }
}

/// A place, from the answer to an upgrade until its socket is there. Let go of before that it is free again.
final class HeldPlace: Sendable {
    private let abandon: @Sendable () -> Void

    init(abandon: @escaping @Sendable () -> Void) { self.abandon = abandon }

    deinit { abandon() }
}
