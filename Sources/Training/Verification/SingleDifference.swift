internal import Tensors

/// One word of a vector that is not what it should be, found from the hash of the vector alone: NH is a sum, so a word's
/// change shows as its difference times what the word is multiplied by, and few words have a multiplier that fits.
struct SingleDifference: Hashable {
  let index: Int
  let expected: Float
  let found: Float

  /// All single words of `values` whose change would give the vector the hash `found`. With one such word among n, the
  /// chance that another one fits by accident is about n · 2⁻³².
  static func candidates(in values: Span<Float>, found: UInt64) -> [SingleDifference] {
    let change = found &- NHHash.hash(values)
    guard change != 0 else { return [] }
    var candidates: [SingleDifference] = []
    for index in values.indices {
      let partner = NHHash.partner(ofWord: index)
      let other = partner < values.count ? values[partner].bitPattern : 0
      let factor = UInt64(other &+ NHHash.key(ofWord: partner))
      let key = NHHash.key(ofWord: index)
      let word = UInt64(values[index].bitPattern &+ key)
      guard factor > 0 else { continue }
      // The change is a multiple of the factor, up or down.
      for (difference, isUp) in [(change, true), (0 &- change, false)] where difference % factor == 0 {
        let steps = difference / factor
        let new = isUp ? word.addingReportingOverflow(steps) : word.subtractingReportingOverflow(steps)
        guard !new.overflow, let bits = UInt32(exactly: new.partialValue) else { continue }
        candidates.append(
          SingleDifference(
            index: index, expected: values[index], found: Float(bitPattern: bits &- key)))
      }
    }
    return candidates
  }

  /// The flips of one bit in one of `leaves`, the element's values in a step's micro-batches, whose sum by the tree of
  /// additions would be what was found.
  func flips(in leaves: [Float]) -> [(leaf: Int, bit: Int)] {
    leaves.indices.flatMap { leaf in
      (0..<32).compactMap { bit in
        var changed = leaves
        changed[leaf] = Float(bitPattern: changed[leaf].bitPattern ^ 1 << UInt32(bit))
        return Self.sum(changed).bitPattern == found.bitPattern ? (leaf, bit) : nil
      }
    }
  }

  /// The sum that `ReductionTree` prescribes.
  static func sum(_ leaves: [Float]) -> Float {
    var level = leaves
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map {
        $0 + 1 < level.count ? level[$0] + level[$0 + 1] : level[$0]
      }
    }
    return level.first ?? 0
  }
}
