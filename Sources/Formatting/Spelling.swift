/// Guesses what somebody meant who typed a word that there is not.
package enum Spelling {
  /// The one of `words` that `typed` most likely stands for: the only one that begins with it, or else the one with the
  /// fewest slips, up to one in three letters; nil if none is as near.
  package static func nearest(to typed: String, among words: [String]) -> String? {
    let longer = words.filter { $0.hasPrefix(typed) }
    if typed.count > 1, longer.count == 1 { return longer[0] }
    let (word, slips) =
      words.map { ($0, Self.slips(typed, $0)) }.min { $0.1 < $1.1 } ?? ("", Int.max)
    return slips <= max(typed.count / 3, 1) ? word : nil
  }

  /// How many slips make one word of the other: a letter left out, put in, replaced by another, or exchanged with the next
  /// one (optimal string alignment: Boytsov 2011, "Indexing methods for approximate dictionary searching", §2.1).
  package static func slips(_ one: String, _ other: String) -> Int {
    let (a, b) = (Array(one), Array(other))
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
