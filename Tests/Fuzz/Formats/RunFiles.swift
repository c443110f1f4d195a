import Analysis
import Foundation
import Model
import Reports
import RunReports
import Runs

/// `metrics.jsonl`, as `watch` and `report` read it.
func metricsFormat() throws -> FuzzedFormat {
  let run = try RunFiles("metrics")
  return FuzzedFormat(
    name: "metrics", longestInput: 2048, seeds: [try RunFiles.sampleMetrics()],
    words: [
      #"{"event":"step","step":"#, #"{"event":"epoch","step":"#, #"{"event":"start","step":"#, #""time":"#,
      #""ranks":"#,
      #""launch":{"#, "shares", "taken", "validationAccuracy", "totalSteps", "stepsPerEpoch", "bindings",
      "\"nan\"",
      "\"inf\"", "\"-inf\"", "1e308", "-1e308", "1e-320", "1000000000000000", "end", "stop", "diverged",
      "checkpoint",
      "resume", "\n",
    ]
  ) { bytes in
    run.metrics.write(bytes)
    run.look(bytes)
  }
}

/// `result.json`, as `watch` and `report` read it.
func resultFormat() throws -> FuzzedFormat {
  let run = try RunFiles("result", records: RunFiles.sampleMetrics())
  let result = try InputFile("result.json", in: run.folder.path)
  return FuzzedFormat(
    name: "result", longestInput: 1536,
    seeds: [
      try RunFiles.sampleResult(), try RunFiles.sampleResult(classCount: ConfusionCounts.mostRows + 1),
    ],
    words: [
      "testAccuracy", "testErrors", "testConfusion", "parametersDigest", "checkpointDigest",
      "imagesPerSecond",
      "trainingSeconds", "wallSeconds", "startSeconds", "rankTimes", "processorSeconds", "phases", "kernel",
      "validationAccuracy", "1e308", "-1e308", "9223372036854775807", "-9223372036854775808", "1e-320",
      "null", "[[", "]]", "classes", "truth", "prediction", "count", "1000",
    ]
  ) { bytes in
    result.write(bytes)
    run.look(bytes)
  }
}

/// The folder of a run that nobody has trained.
private final class RunFiles {
  let folder: RunFolder
  let metrics: InputFile
  /// The run as it was at first: what a look begins with, so that recipe and first records are read once.
  private let history: RunHistory

  init(_ name: String, records: [UInt8] = []) throws {
    folder = RunFolder(path: NSTemporaryDirectory() + "lockstep-fuzz-\(getpid())/\(name)")
    guard let recipe = Recipe.named("linear") else { fatalError("`linear` is built in") }
    try folder.prepare(recipe)
    metrics = try InputFile("metrics.jsonl", in: folder.path)
    metrics.write(records)
    history = try RunHistory(folder: folder)
  }

  /// Does what `watch` and, for one input of 64, since it takes as long as a hundred screens, `report` do with the
  /// folder, but for the terminal and the disk.
  func look(_ input: [UInt8]) {
    do {
      var history = history
      try history.update()
      for status in [RunHistory.Status.finished, .diverged] { _ = RunScreen(history, status).outcome }
      _ = RunScreen(history, .running).lines(columns: 80)
      _ = history.timeline
      guard input.reduce(0, { $0 &+ Int($1) }) % 64 == 0 else { return }
      let office = PostalCase(digits: 5, letters: 1e6, manualCost: 0.05, misrouteCost: 1)
      let report = try RunReport([folder], office: office, currency: "€") { _ in
        throw RunError("no dataset", exitCode: 66)
      }
      _ = report.plots.map(\.drawing.file)
      _ = try report.page.html()
    } catch {
      let error = RunError(error)
      agree([65, 66].contains(error.exitCode) && !error.description.contains("\n"), error.description)
    }
  }

  static func sampleMetrics() throws -> [UInt8] {
    let other = RunFolder(path: NSTemporaryDirectory() + "lockstep-fuzz-\(getpid())/sample")
    try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: other.path) }
    let writer = try MetricsWriter(path: other.metrics, continuingAfter: 0)
    let launch = LaunchFacts(
      command: ["lockstep", "train"], version: "0", kernel: "own", bindings: ["a: cores 0", "b: cores 0"],
      totalSteps: 4,
      stepsPerEpoch: 2, parameterCount: 20, trainCount: 8, dataset: "synthetic:8:0", datasetDigest: "00")
    try writer.append(EventRecord(event: "start", step: 0, time: 100, ranks: 2, launch: launch))
    for step in 1...2 {
      var seconds = PhaseTimes()
      seconds.forward = 0.5
      try writer.append(
        StepRecord(
          step: step, epoch: 1, loss: 2 / Double(step), accuracy: 50, learningRate: 0.1, seconds: seconds))
    }
    for epoch in 1...2 {
      try writer.append(
        EpochRecord(
          step: 2 * epoch, epoch: epoch, loss: 0.5, accuracy: 60, validationLoss: 0.5,
          validationAccuracy: 50 + Double(epoch), imagesPerSecond: 100, seconds: PhaseTimes(),
          shares: [0.5, 0.5], taken: 0.1))
    }
    try writer.append(EventRecord(event: "checkpoint", step: 4, time: 102, ranks: 2))
    try writer.append(EventRecord(event: "end", step: 4, time: 103, ranks: 2))
    try writer.synchronize()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: other.metrics)))
  }

  /// A result whose counts of classes are rows, or, for many classes, those that are not 0.
  static func sampleResult(classCount: Int = 2) throws -> [UInt8] {
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for truth in 0...1 { for prediction in 0...1 { confusion[truth][prediction] = 1 } }
    let ranks = [RankTimes](repeating: RankTimes(phases: PhaseTimes(), processorSeconds: 2), count: 2)
    let result = RunResult(
      testAccuracy: 50, testErrors: 2, testConfusion: confusion, validationAccuracy: 50,
      parametersDigest: "00",
      checkpointDigest: "00", imagesPerSecond: 100, trainingSeconds: 2, wallSeconds: 3, startSeconds: 1,
      ranks: 2,
      rankTimes: ranks, epochs: 2, steps: 4, kernel: "own", dataset: "synthetic:8:0", datasetDigest: "00")
    return [UInt8](try JSONEncoder().encode(result))
  }
}
