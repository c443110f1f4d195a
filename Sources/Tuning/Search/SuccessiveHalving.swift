/// Which trials go on: all begin with a small budget, and the best of each rung go on to `eta` times as much (Jamieson,
/// Talwalkar: "Non-stochastic best arm identification and hyperparameter optimization", 2016), all of a rung together.
package struct SuccessiveHalving: Hashable, Sendable {
  /// One of so many trials goes on, with so many times the budget.
  package let eta: Int
  package let rungs: Int

  package init(eta: Int, rungs: Int) {
    precondition(eta > 1 && rungs > 0, "\(rungs) rungs of \(eta)")
    self.eta = eta
    self.rungs = rungs
  }

  /// As many rungs as leave one trial of `trials`, at most four: a budget of less than a twenty-seventh tells little.
  package static func rungs(trials: Int, eta: Int) -> Int {
    var (rungs, left) = (1, trials / eta)
    while left > 0, rungs < 4 { (rungs, left) = (rungs + 1, left / eta) }
    return rungs
  }

  /// How many of `trials` are in a rung.
  package func count(ofRung rung: Int, trials: Int) -> Int {
    max((0..<rung).reduce(trials) { count, _ in count / eta }, 1)
  }

  /// Which part of the whole budget a rung has, as its denominator.
  package func divisor(ofRung rung: Int) -> Int {
    (0..<(rungs - 1 - rung)).reduce(1) { divisor, _ in divisor * eta }
  }

  /// The trials that go on to the next rung, ascending: those with the highest accuracies, of equal ones those with the lowest
  /// numbers; none that has no accuracy, since it diverged.
  package func promoted(_ accuracies: [(trial: Int, accuracy: Double?)], count: Int) -> [Int] {
    let good = accuracies.compactMap { entry in entry.accuracy.map { (entry.trial, $0) } }
    return good.sorted { ($0.1, -$0.0) > ($1.1, -$1.0) }.prefix(count).map(\.0).sorted()
  }
}
