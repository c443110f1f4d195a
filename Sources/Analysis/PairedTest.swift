/// Whether two ways of doing something differ, by measurements in pairs: what they have in common, such as a seed, does not
/// count against either.
package struct PairedTest: Hashable, Sendable, Codable {
  /// Of the differences, the second of each pair less the first.
  package var differences: SampleSummary
  /// The probability of a mean difference at least as far from 0 if there were none: by Student's t for differences that are
  /// normally distributed; nil where there is one pair, or no spread to judge by.
  package var tProbability: Double?
  /// The same without that assumption: among all ways to swap the two of each pair, the share of those whose sum of
  /// differences is at least as far from 0 (Fisher, The Design of Experiments, 1935, §21).
  package var signFlipProbability: Double

  /// Pairs of whole numbers, such as samples classified right; nil for none. `unit` is what one of them is worth, in what is
  /// reported.
  package init?(_ pairs: [(first: Int, second: Int)], unit: Double) {
    let differences = pairs.map { $1 - $0 }
    guard let summary = SampleSummary(differences.map { Double($0) * unit }) else { return nil }
    self.differences = summary
    if let deviation = summary.deviation, deviation > 0 {
      let t = summary.mean / (deviation / Double(summary.count).squareRoot())
      tProbability = StudentDistribution(degreesOfFreedom: Double(summary.count - 1)).twoSidedProbability(t)
    }
    signFlipProbability = Self.signFlipProbability(differences)
  }

  /// Exact at any number of pairs: the distribution of the sum over all signs, one difference after the other (Pagano,
  /// Tritchler: "On obtaining permutation distributions in polynomial time", 1983).
  package static func signFlipProbability(_ differences: [Int]) -> Double {
    let observed = differences.reduce(0, +).magnitude
    var distribution = [0: 1.0]
    for difference in differences where difference != 0 {
      var next: [Int: Double] = [:]
      for (sum, probability) in distribution {
        next[sum + difference, default: 0] += probability / 2
        next[sum - difference, default: 0] += probability / 2
      }
      distribution = next
    }
    // In the order of the sums: another order, as a dictionary's is, would give other last bits.
    let extreme = distribution.filter { $0.key.magnitude >= observed }.sorted { $0.key < $1.key }
    return min(extreme.reduce(0) { $0 + $1.value }, 1)
  }
}
