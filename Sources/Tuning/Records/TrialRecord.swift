package import Training

/// A recipe that was trained, and what came of it: a line of a journal.
package struct TrialRecord: Hashable, Sendable, Codable {
  package private(set) var event = "trial"
  /// SHA-256 of the recipe as canonical JSON: what a trial is known by.
  package var digest: String
  /// The trial's number, and its rung; of a study, the number of its recipe and 0.
  package var trial: Int
  package var rung: Int
  /// What the space's parameters are that are there, by key; of a study none.
  package var values: [String: JSONValue]
  package var recipe: JSONValue
  package var result: TrialResult
  /// The ranks that trained it, how long it took and when it was done, in seconds; no part of what it came to.
  package var ranks: [Int]
  package var seconds: Double
  package var time: Double

  package init(
    digest: String, trial: Int, rung: Int, values: [String: JSONValue], recipe: JSONValue,
    result: TrialResult,
    ranks: [Int], seconds: Double, time: Double
  ) {
    (self.digest, self.trial, self.rung, self.values, self.recipe) = (digest, trial, rung, values, recipe)
    (self.result, self.ranks, self.seconds, self.time) = (result, ranks, seconds, time)
  }

  /// Whether what is computed with these is far from overflow, and scores are scores.
  var isPlausible: Bool {
    let scores = [result.validation, result.test].compactMap(\.self)
    return trial >= 0 && trial < 1 << 32 && (0..<1000).contains(rung) && result.steps >= 0
      && result.samples >= 0
      && result.steps < 1 << 52 && result.samples <= StepPlan.mostSamples
      && scores.allSatisfy {
        (0...100).contains($0.accuracy) && $0.count > 0 && (0...$0.count).contains($0.correct)
          && $0.count < 1 << 40
      }
      && result.curve.allSatisfy { (0...100).contains($0) } && digest.count == 64
      && (result.divergence == nil || scores.isEmpty)
  }
}

/// What else a journal tells.
package struct JournalEvent: Hashable, Sendable, Codable {
  /// `start`, `resume`, `extend`, `begin` (of a trial), `stop`, `budget`, `end`.
  package var event: String
  /// Seconds since 1970.
  package var time: Double
  /// Ranks of the job, or of the trial that begins.
  package var ranks: Int
  package var trial: Int?
  package var rung: Int?
  package var digest: String?

  package init(
    _ event: String, time: Double, ranks: Int, trial: Int? = nil, rung: Int? = nil, digest: String? = nil
  ) {
    (self.event, self.time, self.ranks) = (event, time, ranks)
    (self.trial, self.rung, self.digest) = (trial, rung, digest)
  }
}
