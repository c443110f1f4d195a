internal import Runs

/// When a run ends before its last epoch: after `patience` epochs in a row without a better validation accuracy, as early
/// stopping is told by Goodfellow, Bengio, Courville 2016, algorithm 7.1. Equal is not better.
struct EarlyStopping: Hashable {
  private let patience: Int
  /// The best validation accuracy so far, in per cent, and its epoch, counted from 1; nil before the first validation.
  private(set) var bestAccuracy: Double?
  private(set) var bestEpoch: Int?
  /// Epochs since then.
  private(set) var epochsSinceBest = 0

  init(patience: Int) { self.patience = patience }

  /// Whether it has been waited long enough.
  var isOver: Bool { epochsSinceBest >= patience }

  /// What is known after an epoch's validation.
  func adding(accuracy: Double, epoch: Int) -> EarlyStopping {
    var after = self
    if accuracy > bestAccuracy ?? -.infinity {
      (after.bestAccuracy, after.bestEpoch, after.epochsSinceBest) = (accuracy, epoch, 0)
    } else {
      after.epochsSinceBest += 1
    }
    return after
  }

  /// What users are told when it is over.
  var sentence: String {
    "no better validation accuracy in \(epochsSinceBest) \(epochsSinceBest == 1 ? "epoch" : "epochs"): the run ends with "
      + "the model of epoch \(bestEpoch ?? 0)"
  }

  // MARK: - In checkpoints

  private static let accuracyKey = "bestValidationAccuracy"
  private static let epochKey = "bestEpoch"
  private static let sinceKey = "epochsSinceBest"

  /// What a checkpoint says of it.
  var metadata: [String: String] {
    var metadata = [Self.sinceKey: "\(epochsSinceBest)"]
    metadata[Self.accuracyKey] = bestAccuracy.map { "\($0)" }
    metadata[Self.epochKey] = bestEpoch.map { "\($0)" }
    return metadata
  }

  /// Takes over what a checkpoint says, which errors call `origin`; the patience stays its own.
  ///
  /// - Throws: `RunError` with exit code 65 if that is nothing sensible.
  mutating func restore(from metadata: [String: String], origin: String) throws(RunError) {
    let steps = 0...Recipe.mostSteps
    guard let since = metadata[Self.sinceKey].flatMap({ Int($0) }), steps.contains(since) else {
      throw Self.error(origin, Self.sinceKey, "a number of epochs", metadata[Self.sinceKey])
    }
    epochsSinceBest = since
    guard metadata[Self.accuracyKey] != nil || metadata[Self.epochKey] != nil || since > 0 else { return }
    guard let accuracy = metadata[Self.accuracyKey].flatMap({ Double($0) }), (0...100).contains(accuracy)
    else {
      throw Self.error(origin, Self.accuracyKey, "a number from 0 to 100", metadata[Self.accuracyKey])
    }
    guard let epoch = metadata[Self.epochKey].flatMap({ Int($0) }), steps.contains(epoch) else {
      throw Self.error(origin, Self.epochKey, "the number of an epoch", metadata[Self.epochKey])
    }
    (bestAccuracy, bestEpoch) = (accuracy, epoch)
  }

  private static func error(_ origin: String, _ key: String, _ expected: String, _ found: String?) -> RunError
  {
    RunError(
      "\(origin): expected the metadata '\(key)', \(expected), found \(found.map { "'\($0)'" } ?? "none")",
      exitCode: 65)
  }
}
