// A carrier's identifier of a call as a file name, for exports and for downloads alike.

/// Makes names of files from carriers' identifiers, which may hold anything.
public enum CarrierFileName {
    /// Longest name without its ending: file systems take 255 bytes, and the longest ending is ".json".
    public static let longest = 250

    /// `carrierCallID` with each Unicode scalar outside A-Za-z0-9._- replaced by `_`, cut after `longest` of them; so it is
    /// as many bytes as scalars, ends no header field and leaves no folder.
    public static func name(of carrierCallID: String) -> String {
        var name = ""
        name.unicodeScalars.append(contentsOf: carrierCallID.unicodeScalars.prefix(longest).map(kept))
        return name
    }

    /// Whether `name(of:)` leaves something out at the end: then two identifiers may have the same.
    public static func isCut(_ carrierCallID: String) -> Bool {
        carrierCallID.unicodeScalars.count > longest
    }

    /// The name with the call's own identifier behind it: one that no other call has. The carrier's is cut where both do
    /// not fit.
    public static func unique(_ carrierCallID: String, id: String) -> String {
        let name = name(of: carrierCallID)
        return name.isEmpty ? id : String(name.prefix(longest - 1 - id.utf8.count)) + "-" + id
    }

    private static func kept(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar {
        case "0"..."9", "A"..."Z", "a"..."z", ".", "_", "-": scalar
        default: "_"
        }
    }
}
