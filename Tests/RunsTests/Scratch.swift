import Foundation
import Model
import Runs
import Testing

/// A folder of one test, removed with it.
final class Scratch {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-runs-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A run's folder with the recipe `linear` and nothing else.
  func run() throws -> RunFolder {
    let folder = RunFolder(path: path + "/run")
    try folder.prepare(try #require(Recipe.named("linear")))
    return folder
  }
}

/// Appends text to a file as another process would: whole lines or a part of one.
func append(_ text: String, to path: String) throws {
  let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  try handle.seekToEnd()
  try handle.write(contentsOf: Data(text.utf8))
  try handle.close()
}

/// A step whose forward pass took `seconds`.
func step(_ number: Int, loss: Double = 0.5, seconds: Double = 1) -> StepRecord {
  var times = PhaseTimes()
  times.forward = seconds
  return StepRecord(
    step: number, epoch: 1, loss: loss, accuracy: 90, learningRate: 0.01, seconds: times)
}

func event(_ word: String, step: Int = 0, time: Double = 0, totalSteps: Int? = nil) -> EventRecord {
  let launch = totalSteps.map {
    LaunchFacts(
      command: ["lockstep", "train"], version: "0", kernel: "own", bindings: ["host: cores 0"],
      totalSteps: $0, stepsPerEpoch: 4, parameterCount: 1, trainCount: 40, dataset: "synthetic",
      datasetDigest: "00")
  }
  return EventRecord(event: word, step: step, time: time, ranks: 1, launch: launch)
}
