internal import Runs

/// Training that ran away: what counts as such, and what is said of it.
enum Divergence {
  /// Mean cross-entropy, in nats, from which on a model is lost though its numbers are still finite. A guess among
  /// 1,000 classes costs 6.9 nats.
  static let limit = 1e6

  /// What a run that diverged ends with.
  static let exitCode: Int32 = 78

  /// Whether a mean loss is one of a model that is lost: not a number, infinite, or absurd.
  static func isLost(_ loss: Double) -> Bool { !(loss <= limit) }

  /// The error that all ranks end with; `place` is as in "after step 7".
  static func error(_ loss: Double, _ place: String) -> RunError {
    RunError.shared(
      "the loss is \(loss.isNaN ? Float.nan : Float(loss)) \(place): training diverged; a lower --learning-rate or --clip-gradients helps",
      exitCode: exitCode)
  }
}
