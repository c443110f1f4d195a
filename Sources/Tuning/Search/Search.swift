internal import Digests
internal import Foundation
package import Runs
package import Training

extension Recipe {
  /// SHA-256 of the recipe as canonical JSON: what a trial is known by.
  package var digest: String { SHA256Digest(of: Array(json().utf8)).description }
}

/// A search: its trials, and what is known of them. A function of the settings, the dataset and the journal, whoever trained
/// what and when.
package struct Search: Sendable {
  /// A point of a space.
  package struct Trial: Sendable {
    package var number: Int
    /// The recipe with its whole budget.
    package var recipe: Recipe
    /// What the parameters are that are there, by key.
    package var values: [String: JSONValue]
  }

  /// A trial in a rung.
  package struct Row: Hashable, Sendable {
    package var trial: Int
    package var rung: Int
    package var recipe: Recipe
    package var digest: String
    package var values: [String: JSONValue]
    /// Nil where it has not been trained.
    package var result: TrialResult?

    /// Percent of the validation samples; nil where it diverged or has not been trained.
    package var accuracy: Double? { result?.validation?.accuracy }
  }

  package let settings: SearchSettings
  package let halving: SuccessiveHalving
  package let trials: [Trial]
  /// All keys that are searched, in their order.
  package let keys: [String]
  private let plan: @Sendable (Recipe) -> StepPlan
  /// By trial and rung.
  private let budgeted: [[(recipe: Recipe, digest: String)]]
  package private(set) var results: [String: TrialResult] = [:]

  /// Draws the trials. `fit` makes a recipe fit the dataset, whose steps `plan` tells.
  ///
  /// Values that have been drawn before are passed over: no two trials are the same. Where a space has no more to give there
  /// are fewer trials.
  ///
  /// - Throws: `RunError` with exit code 65 if values do not go together, or settings are no search's.
  package init(
    _ settings: SearchSettings, fit: (Recipe) throws -> Recipe, plan: @escaping @Sendable (Recipe) -> StepPlan
  ) throws {
    guard settings.isPlausible else {
      throw RunError("the search's settings have numbers that no search has", exitCode: 65)
    }
    self.settings = settings
    self.plan = plan
    halving = SuccessiveHalving(eta: settings.eta, rungs: settings.rungs)
    var trials: [Trial] = []
    var keys: [String] = []
    var taken: Set<String> = []
    var point = 0
    for source in settings.sources {
      let space = try SearchSpace(source.space, origin: "the space")
      keys += space.parameters.map(\.key).filter { !keys.contains($0) }
      let dimensions = space.parameters.count
      // Small spaces have been seen as a whole long before.
      var misses = 0
      while trials.count < source.trials, misses < 2000 {
        let at = source.sampler.point(point, dimensions: dimensions, seed: source.seed)
        point += 1
        let (drawn, values) = try space.recipe(at: at)
        let recipe: Recipe
        do {
          recipe = try fit(drawn)
        } catch {
          let words = values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.words)" }
          throw RunError(
            "trial \(trials.count) (\(words.joined(separator: ", "))) cannot be trained: \(RunError(error).description)",
            exitCode: 65)
        }
        guard taken.insert(recipe.digest).inserted else {
          misses += 1
          continue
        }
        misses = 0
        trials.append(Trial(number: trials.count, recipe: recipe, values: values))
      }
    }
    self.trials = trials
    self.keys = keys
    budgeted = trials.map { [halving] trial in
      (0..<halving.rungs).map { rung in
        let recipe = Self.budgeted(
          trial.recipe, divisor: halving.divisor(ofRung: rung), plan: plan(trial.recipe))
        return (recipe, recipe.digest)
      }
    }
  }

  /// Takes over what is on record.
  package mutating func add(_ records: [TrialRecord]) {
    for record in records { results[record.digest] = record.result }
  }

  /// Takes over a result.
  package mutating func add(_ result: TrialResult, of digest: String) { results[digest] = result }

  /// A trial's recipe with the budget of a rung: a run of its own, whose schedule comes to its end. What has the whole budget
  /// is the trial's recipe itself.
  private static func budgeted(_ whole: Recipe, divisor: Int, plan: StepPlan) -> Recipe {
    var recipe = whole
    guard divisor > 1 else { return recipe }
    let steps = max((plan.totalSteps(recipe) + divisor / 2) / divisor, 1)
    if recipe.steps == nil, steps % plan.stepsPerEpoch == 0 {
      recipe.epochs = steps / plan.stepsPerEpoch
    } else {
      recipe.steps = steps
    }
    return recipe
  }

  /// The rows of a rung, by trial; nil as long as it is not known which trials come into it.
  package func rows(ofRung rung: Int) -> [Row]? {
    var members = trials.map(\.number)
    for rung in 0..<rung {
      let rows = rows(ofRung: rung, members: members)
      guard rows.allSatisfy({ $0.result != nil }) else { return nil }
      members = halving.promoted(
        rows.map { ($0.trial, $0.accuracy) }, count: halving.count(ofRung: rung + 1, trials: trials.count))
    }
    return rows(ofRung: rung, members: members)
  }

  private func rows(ofRung rung: Int, members: [Int]) -> [Row] {
    members.map { trial in
      let (recipe, digest) = budgeted[trial][rung]
      return Row(
        trial: trial, rung: rung, recipe: recipe, digest: digest, values: trials[trial].values,
        result: results[digest])
    }
  }

  /// All rows that have been trained, rung by rung, by trial; of a search that was extended also those that came further among
  /// fewer trials.
  package var table: [Row] {
    (0..<halving.rungs).flatMap { rung in
      rows(ofRung: rung, members: trials.map(\.number)).filter { $0.result != nil }
    }
  }

  /// Whether there is nothing left to train.
  package var isComplete: Bool {
    rows(ofRung: halving.rungs - 1)?.allSatisfy { $0.result != nil } ?? false
  }

  /// The row with the highest validation accuracy; of equal ones that of the lowest trial, then of the lowest rung.
  package var best: Row? { Self.ranked(table).first }

  /// Rows from the best to the worst, by validation accuracy, trial and rung; those that diverged last.
  package static func ranked(_ rows: [Row]) -> [Row] {
    rows.sorted {
      let (a, b) = ($0.accuracy ?? -1, $1.accuracy ?? -1)
      return a != b ? a > b : ($0.trial, $0.rung) < ($1.trial, $1.rung)
    }
  }

  /// Training samples that a recipe's run takes, if nothing ends it before.
  package func samples(_ recipe: Recipe) -> Int { plan(recipe).samples(recipe) }
}
