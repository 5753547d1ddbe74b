// What somebody meant to type. Pure.

/// Finds what somebody meant to type.
public enum Spelling {
    /// The candidate that is at most two single-letter changes away from `word`, the nearest if there are several.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        let ranked = candidates.map { (word: $0, distance: distance(word, $0)) }
            .filter { $0.distance <= 2 }
        return ranked.min { $0.distance < $1.distance }?.word
    }

    /// The Levenshtein distance: fewest insertions, deletions and substitutions of one letter.
    public static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
