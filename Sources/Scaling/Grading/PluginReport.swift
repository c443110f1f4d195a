internal import Collectives

/// What grading a reduction plugin has found, as JSON.
package struct PluginReport: Encodable, Sendable {
  /// The shared library's path.
  package var library: String
  /// The links' rate and latency, where the ranks were hosts of a lab.
  package var network: String?
  /// Whether nothing is wrong.
  package var isRight: Bool
  /// One for each number of ranks.
  package var outcomes: [Entry]

  /// What came of one number of ranks.
  package struct Entry: Encodable, Sendable {
    package var ranks: Int
    /// What is wrong, a sentence each.
    package var faults: [String]
    /// What was measured; nil for a job that did not come to its end.
    package var figures: PluginFigures?
  }

  /// A report of `outcomes`.
  package init(library: String, network: String?, outcomes: [PluginGrading.Outcome]) {
    self.library = library
    self.network = network
    isRight = outcomes.allSatisfy { $0.faults.isEmpty }
    self.outcomes = outcomes.map { Entry(ranks: $0.ranks, faults: $0.faults, figures: $0.figures) }
  }
}

extension PluginGrading.Outcome {
  /// What was found, if all was tried.
  package var figures: PluginFigures? {
    guard case .tried(let figures) = self else { return nil }
    return figures
  }
}

extension PluginFigures {
  /// The collective operations of MPI's that a call made, by name: calls of the rank that made the most.
  package var collectives: [(name: String, calls: Int)] {
    traffic.reduce(into: [String: Int]()) { most, traffic in most.merge(traffic.collectives) { max($0, $1) } }
      .sorted { $0.key < $1.key }.map { (name: $0.key, calls: $0.value) }
  }
}
