/// How many ranks train which trial, and in which order trials begin: a function of costs alone. What a trial comes to does
/// not depend on it.
package enum TrialPlan {
  /// A trial to be planned.
  package struct Work: Hashable, Sendable {
    package var trial: Int
    /// What it costs, in any unit.
    package var cost: Double
    /// The most ranks that have work in it.
    package var mostRanks: Int

    package init(trial: Int, cost: Double, mostRanks: Int) {
      self.trial = trial
      self.cost = cost
      self.mostRanks = mostRanks
    }
  }

  /// A trial and the ranks that it gets.
  package struct Assignment: Hashable, Sendable {
    package var trial: Int
    package var ranks: Int

    package init(trial: Int, ranks: Int) {
      self.trial = trial
      self.ranks = ranks
    }
  }

  /// Plans trials for `ranks` ranks, `perTrial` to each; nil for one, which wastes least as long as there are trials enough.
  ///
  /// The costliest begin first (longest processing time first: Graham, "Bounds on multiprocessing timing anomalies", 1969).
  /// Those of the last round share all ranks among them: one trial on many ranks ends sooner than one beside ranks that have
  /// none.
  package static func assignments(_ work: [Work], ranks: Int, perTrial: Int?) -> [Assignment] {
    let slots = max(ranks / (perTrial ?? 1), 1)
    let sorted = work.sorted { ($0.cost, -$0.trial) > ($1.cost, -$1.trial) }
    let wholeRounds = max(sorted.count - 1, 0) / slots * slots
    let first = sorted.prefix(wholeRounds).map {
      Assignment(trial: $0.trial, ranks: max(min(perTrial ?? 1, ranks, $0.mostRanks), 1))
    }
    let rest = Array(sorted.dropFirst(wholeRounds))
    var sizes = rest.map { _ in 1 }
    var left = ranks - rest.count
    // One more to each in turn, as long as somebody can use it.
    while left > 0,
      let next = rest.indices.filter({ sizes[$0] < rest[$0].mostRanks }).min(by: { sizes[$0] < sizes[$1] })
    {
      sizes[next] += 1
      left -= 1
    }
    return first + zip(rest, sizes).map { Assignment(trial: $0.trial, ranks: $1) }
  }
}
