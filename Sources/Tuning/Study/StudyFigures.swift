package import Analysis
internal import Formatting
internal import Foundation
internal import Reports
package import Training

/// What a study says: every run, what the runs of each recipe have in common, and whether two recipes differ.
package struct StudyFigures: Sendable, Codable {
  /// A run of a recipe.
  package struct Run: Sendable, Codable {
    package var seed: UInt64
    package var result: TrialResult
  }

  /// A recipe's runs; accuracies in per cent, without those of runs that diverged.
  package struct Subject: Sendable, Codable {
    package var name: String
    package var runs: [Run]
    package var diverged: Int
    package var test: SampleSummary?
    package var validation: SampleSummary?
  }

  /// Two recipes, seed by seed: the second less the first, in per cent of the test set, without pairs in which one diverged.
  package struct Comparison: Sendable, Codable {
    package var pairs: Int
    package var test: PairedTest
    /// In one sentence, what it says.
    package var sentence: String
  }

  package var subjects: [Subject]
  package var comparison: Comparison?

  package init(_ names: [String], runs: [[Run]]) {
    subjects = zip(names, runs).map { name, runs in
      Subject(
        name: name, runs: runs, diverged: runs.count { $0.result.divergence != nil },
        test: SampleSummary(runs.compactMap { $0.result.test?.accuracy }),
        validation: SampleSummary(runs.compactMap { $0.result.validation?.accuracy }))
    }
    guard runs.count == 2 else { return }
    let second = Dictionary(uniqueKeysWithValues: runs[1].map { ($0.seed, $0.result) })
    var unit = 0.0
    let pairs = runs[0].compactMap { run -> (first: Int, second: Int)? in
      guard let a = run.result.test, let b = second[run.seed]?.test else { return nil }
      unit = 100 / Double(a.count)
      return (a.correct, b.correct)
    }
    guard let test = PairedTest(pairs, unit: unit) else { return }
    comparison = Comparison(pairs: pairs.count, test: test, sentence: Self.sentence(test, names))
  }

  /// What the comparison says, for whoever does not know such tests.
  private static func sentence(_ test: PairedTest, _ names: [String]) -> String {
    let difference = test.differences
    let better = difference.mean < 0 ? names[0] : names[1]
    let size = "\(Numbers.fixed(difference.mean.magnitude, 3)) points of test accuracy"
    guard difference.count > 1 else { return "one pair of runs tells nothing of chance: give more --seeds" }
    guard difference.mean != 0 else {
      return "the recipes are as good as each other on the mean of these seeds"
    }
    let probability = max(test.signFlipProbability, test.tProbability ?? 0)
    let chance =
      "a difference at least as large would come up with probability \(probabilityText(probability)) if only chance were at work"
    return probability < 0.05
      ? "\(better) is better by \(size) on the mean of \(difference.count) seeds: \(chance)"
      : "these \(difference.count) seeds do not tell the recipes apart: \(better) is ahead by \(size), but \(chance)"
  }

  static func probabilityText(_ probability: Double) -> String {
    probability < 0.0001 ? "below 0.0001" : Numbers.fixed(probability, 4)
  }

  /// A run in one line.
  package static func line(_ name: String, _ run: Run) -> String {
    let result = run.result
    let end =
      result.test.map { "test \(Numbers.fixed($0.accuracy, 2)) % (\($0.count - $0.correct) errors)" }
      ?? "diverged after step \(Numbers.grouped(result.divergence?.step ?? 0))"
    return "\(name)  seed \(run.seed)  "
      + (result.validation.map { "validation \(Numbers.fixed($0.accuracy, 2)) %  " } ?? "") + end
  }

  /// All there is to say, in lines.
  package var lines: [String] {
    var lines = subjects.flatMap { subject in subject.runs.map { Self.line(subject.name, $0) } }
    var table = TextTable([
      ("recipe", .left), ("of", .left), ("runs", .right), ("mean %", .right), ("deviation", .right),
      ("min", .right),
      ("max", .right), ("95 % interval of the mean", .right),
    ])
    for subject in subjects {
      for (name, summary) in [("test", subject.test), ("validation", subject.validation)] {
        guard let summary else { continue }
        table.append([
          subject.name, name, "\(summary.count)", Numbers.fixed(summary.mean, 3),
          summary.deviation.map { Numbers.fixed($0, 3) } ?? "–", Numbers.fixed(summary.minimum, 2),
          Numbers.fixed(summary.maximum, 2), Self.text(summary.interval),
        ])
      }
    }
    lines += [""] + table.text.split(separator: "\n").map(String.init)
    for subject in subjects where subject.diverged > 0 {
      lines.append(
        "\(subject.diverged) of \(subject.runs.count) runs of \(subject.name) diverged, and are in no mean")
    }
    if let comparison {
      let test = comparison.test
      lines += [
        "",
        "\(subjects[1].name) less \(subjects[0].name), seed by seed: \(Numbers.fixed(test.differences.mean, 3)) "
          + "(95 % interval \(Self.text(test.differences.interval))), p = "
          + (test.tProbability.map { Self.probabilityText($0) } ?? "–") + " by the paired t-test, "
          + "\(Self.probabilityText(test.signFlipProbability)) by exchange of signs",
        comparison.sentence,
      ]
    }
    return lines
  }

  private static func text(_ interval: ClosedRange<Double>?) -> String {
    interval.map { "\(Numbers.fixed($0.lowerBound, 3)) to \(Numbers.fixed($0.upperBound, 3))" } ?? "–"
  }

  /// The runs as comma-separated values.
  var csv: String {
    CSV.text(
      header: [
        "recipe", "seed", "testAccuracy", "testErrors", "validationAccuracy", "validationLoss", "steps",
        "diverged",
        "parametersDigest",
      ],
      rows: subjects.flatMap { subject in
        subject.runs.map { run in
          let (test, validation) = (run.result.test, run.result.validation)
          return [
            subject.name, "\(run.seed)", test.map { "\($0.accuracy)" } ?? "",
            test.map { "\($0.count - $0.correct)" } ?? "", validation.map { "\($0.accuracy)" } ?? "",
            validation.map { "\($0.loss)" } ?? "", "\(run.result.steps)",
            run.result.divergence.map { "after step \($0.step)" } ?? "", run.result.parametersDigest ?? "",
          ]
        }
      })
  }
}
