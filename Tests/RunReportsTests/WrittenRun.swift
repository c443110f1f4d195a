import Foundation
import Runs
import Testing

/// Runs' folders that no process has trained, removed with the test.
final class WrittenRuns {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-reports-\(UUID().uuidString)")
      .path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A run of `recipe` (by default `linear`) that has taken `steps` steps of a second each and died: no model, no end.
  ///
  /// With `resumed`, it was dead for 100 seconds after that step, of which there is a checkpoint.
  func run(
    _ name: String, steps: Int = 8, resumed: Int? = nil, checkpointSeconds: Double = 0,
    _ change: (inout Recipe) -> Void = { _ in }
  ) throws -> RunFolder {
    var recipe = try #require(Recipe.named("linear"))
    change(&recipe)
    return try run(name, recipe: recipe, steps: steps, resumed: resumed, checkpointSeconds: checkpointSeconds)
  }

  func run(
    _ name: String, recipe: Recipe, steps: Int = 8, resumed: Int? = nil, checkpointSeconds: Double = 0,
    shares: [Double]? = nil
  ) throws -> RunFolder {
    let folder = RunFolder(path: "\(path)/\(name)")
    try folder.prepare(recipe)
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    func event(_ word: String, _ step: Int, _ time: Double, _ launch: LaunchFacts? = nil) throws {
      try writer.append(EventRecord(event: word, step: step, time: time, ranks: 2, launch: launch))
    }
    try event("start", 0, 1000, Self.launch)
    for step in 1...max(steps, 1) where steps > 0 {
      var times = PhaseTimes()
      (times.forward, times.checkpoint) = (1, checkpointSeconds)
      try writer.append(
        StepRecord(
          step: step, epoch: 1, loss: 1 / Double(step), accuracy: 90, learningRate: 0.1, seconds: times))
      if step == resumed {
        try event("checkpoint", step, 1000 + Double(step))
        try event("resume", step, 1100 + Double(step), Self.launch)
      }
    }
    try writer.append(
      EpochRecord(
        step: steps, epoch: 1, loss: 0.25, accuracy: 92.5, validationLoss: 0.5, validationAccuracy: 91.25,
        imagesPerSecond: 12345, seconds: PhaseTimes(), shares: shares))
    try writer.flush()
    return folder
  }

  static let launch = LaunchFacts(
    command: ["lockstep", "train", "--network", "dense 10", "--run", "it's"], version: "0.1.0", kernel: "own",
    bindings: ["host: cores 0", "host: cores 1"], totalSteps: 20, stepsPerEpoch: 10, parameterCount: 7850,
    trainCount: 640, dataset: "synthetic:640:0", datasetDigest: "cafe")
}
