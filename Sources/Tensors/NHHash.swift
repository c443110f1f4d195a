internal import CVectors

/// NH, a universal hash (Black, Halevi, Krawczyk, Krovetz, Rogaway 1999, "UMAC", §4), of the bits of floats, with keys that
/// everybody knows: quick enough for every step, and good for finding differences, not for keeping anybody from making them.
///
/// Of words w in groups of sixteen it is Σ (w[j] + k[j] mod 2³²) · (w[j + 8] + k[j + 8] mod 2³²) mod 2⁶⁴, over the groups and
/// j < 8. It is a sum, so parts may be hashed by anybody in any order. Two different vectors have one hash by a chance of
/// about 2⁻⁶⁴, and of at most 2⁻³² if they differ in one word.
package enum NHHash {
  /// The words of a group.
  package static let groupSize = 16

  /// The hash of the elements `range` of a vector, whose words of all groups add up to the vector's hash. `range` begins with
  /// a group, and ends with one or with the vector; what is missing from the last group counts as zeros.
  package static func hash(_ values: Span<Float>, _ range: Range<Int>) -> UInt64 {
    precondition(range.lowerBound % groupSize == 0, "a part begins with element \(range.lowerBound)")
    let part = values.extracting(range)
    return cvectors_nh(part.start, UInt64(range.lowerBound / groupSize), part.count)
  }

  /// The hash of a whole vector.
  package static func hash(_ values: Span<Float>) -> UInt64 { hash(values, 0..<values.count) }

  /// What is added to a word before it is multiplied.
  package static func key(ofWord index: Int) -> UInt32 { cvectors_nh_key(UInt64(index)) }

  /// The word that a word is multiplied by.
  package static func partner(ofWord index: Int) -> Int { index ^ 8 }
}
