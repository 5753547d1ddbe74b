// Why a connection failed, in words for people.

import Glibc
import Net

/// Words for errors of the network.
public enum FailureWords {
    /// What went wrong, as the end of a sentence.
    public static func text(_ error: NetError) -> String {
        switch error {
        case .unresolved: "its name has no address"
        case .timedOut: "no answer in time"
        case .tls(let reason): "TLS: \(reason)"
        case .refused(let status): "refused with status \(status)"
        case .badURL: "the address cannot be understood"
        case .badHandshake: "the answer is not what was asked for"
        case .system(let operation, let errno): "\(operation): \(String(cString: strerror(errno)))"
        case .cannotListen(let errno): "no port: \(String(cString: strerror(errno)))"
        case .tooLarge: "the answer is too large"
        case .cancelled: "cancelled"
        }
    }
}
