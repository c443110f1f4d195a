import Foundation
import Jobs
import Runs
import Scaling
import Testing

@Suite struct ExperimentTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("lockstep-experiment-\(UUID().uuidString)").path
  private let processors = ProcessorSet(
    allowed: [0, 1], coreNames: ["0", "1"], isWholeHost: true)

  private func phases(compute: Double, reduction: Double = 0, wait: Double = 0) -> PhaseTimes {
    var times = PhaseTimes()
    (times.data, times.forward, times.backward) = (0, compute / 2, compute / 2)
    (times.reduction, times.wait) = (reduction, wait)
    return times
  }

  private func result(_ ranks: [PhaseTimes], imagesPerSecond: Double = 100) -> RunResult {
    RunResult(
      testAccuracy: 99, testErrors: 1, testConfusion: [], parametersDigest: "p", checkpointDigest: "c",
      imagesPerSecond: imagesPerSecond, trainingSeconds: 1, wallSeconds: 2, startSeconds: 1,
      ranks: ranks.count, rankTimes: ranks.map { RankTimes(phases: $0, processorSeconds: 3) }, epochs: 1,
      steps: 1, dataset: "d", datasetDigest: "e")
  }

  private func epoch(_ number: Int, _ accuracy: Double?, seconds: Double) -> EpochRecord {
    EpochRecord(
      step: number, epoch: number, loss: 0, accuracy: 0, validationAccuracy: accuracy, imagesPerSecond: 1,
      seconds: phases(compute: seconds))
  }

  @Test func figuresAreSharesOfTheRanksMeanTime() {
    let run = ScalingPoint.Run(
      result: result([phases(compute: 6, reduction: 1, wait: 3), phases(compute: 8, reduction: 1, wait: 1)]),
      epochs: [epoch(1, 98, seconds: 2), epoch(2, 99.1, seconds: 3), epoch(3, 99.5, seconds: 4)], target: 99)
    #expect(abs(run.compute - 0.7) < 1e-12 && abs(run.reduction - 0.1) < 1e-12 && abs(run.wait - 0.2) < 1e-12)
    #expect(abs(run.imbalance - 1.0 / 7) < 1e-12)
    #expect(run.secondsToTarget == 5)
    #expect(run.processorSeconds == 6 && run.digest == "c" && run.imagesPerSecond == 100)
  }

  @Test func aTargetThatIsNotReachedTakesNoTime() {
    let epochs = [epoch(1, 98, seconds: 2), epoch(2, nil, seconds: 3)]
    #expect(
      ScalingPoint.Run(result: result([phases(compute: 1)]), epochs: epochs, target: 99).secondsToTarget
        == nil)
  }

  /// What stands in for mpirun: leaves a finished run, or a log and a code.
  private func experiment(
    hostfile: String? = nil, code: Int32 = 0, log: String = "", calls: Calls = Calls()
  ) -> ScalingExperiment {
    ScalingExperiment(
      folder: folder, arguments: ["--seed", "1"], hostfile: hostfile, mpirunOptions: ["-v"], target: 99,
      processors: processors
    ) { call, command, path in
      calls.all.append((call, command))
      guard code == 0 else {
        try log.write(toFile: path, atomically: true, encoding: .utf8)
        return code
      }
      if command[3] == "--copies" {
        let figures = (1...(call.ranks ?? 0)).map {
          CopyFigures(images: 100 * $0, phases: phases(compute: 2))
        }
        try JSONEncoder().encode(figures).write(
          to: URL(fileURLWithPath: command[4] + "/" + CopyFigures.fileName))
        return 0
      }
      let run = RunFolder(path: command[4])
      try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
      let recipe = try #require(Recipe.named("quick"))
      try JSONEncoder().encode(recipe).write(to: URL(fileURLWithPath: run.recipe))
      try (String(decoding: JSONEncoder().encode(epoch(1, 99.5, seconds: 2)), as: UTF8.self) + "\n")
        .write(toFile: run.metrics, atomically: true, encoding: .utf8)
      try JSONEncoder().encode(
        result(
          [phases(compute: 1)], imagesPerSecond: 10 * Double(call.ranks ?? 0) + Double(calls.all.count))
      ).write(to: URL(fileURLWithPath: run.result))
      return 0
    }
  }

  private final class Calls {
    var all: [(call: MPIRun, command: [String])] = []
  }

  private func ladder(_ counts: [Int] = [1, 3]) -> ScalingLadder {
    ScalingLadder(modes: [.strong], counts: counts, globalBatch: 64, slots: 2)
  }

  @Test func pointsTakeTurnsAndLeaveOnlyFigures() throws {
    try FileManager.default.createDirectory(atPath: folder + "/run", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let calls = Calls()
    var (announced, saved): ([String], [Int]) = ([], [])
    let measured = try experiment(calls: calls).run(ladder(), repeats: 2) { number, count, turn in
      announced.append("\(number)/\(count): \(turn)")
    } didRun: {
      saved.append($0.points.reduce(0) { $0 + $1.runs.count })
    }
    #expect(
      announced == [
        "1/4: strong, 1 rank", "2/4: strong, 3 ranks", "3/4: strong, 1 rank", "4/4: strong, 3 ranks",
      ])
    #expect(saved == [1, 2, 3, 4])
    #expect(measured.points.map { $0.runs.map(\.imagesPerSecond) } == [[11, 13], [32, 34]])
    #expect(measured.points[0].runs[0].secondsToTarget == 2)
    let command = calls.all[0].command
    #expect(command[...3] == ["train", "--quiet", "--no-report", "--run"])
    #expect(command[5...] == ["--seed", "1", "--global-batch", "64"])
    #expect(calls.all.map(\.call.binding) == [.core, .shared, .core, .shared])
    #expect(calls.all[0].call.options == ["-v"])
    // Only a folder of our own was there for a while: the user's "run" is as it was.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["run"])
  }

  @Test func copiesTakeTurnsWithThePointsTheyAreComparedWith() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let calls = Calls()
    var announced: [String] = []
    let measured = try experiment(calls: calls).run(ladder([1, 2]), repeats: 2, explaining: true) {
      number, count, turn in
      announced.append("\(number)/\(count): \(turn)")
    } didRun: { _ in
    }
    #expect(announced[1...2] == ["2/6: strong, 2 ranks", "3/6: 2 copies at once, each alone"])
    #expect(calls.all[2].call == calls.all[1].call)
    #expect(calls.all[2].command[5...] == ["--seed", "1", "--global-batch", "64"])
    #expect(measured.points.map { $0.copies?.map(\.copies) } == [nil, [[50, 100], [50, 100]]])
    #expect(measured.points[1].runs[0].stepTimes == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func aHostfilesSlotsAreCores() {
    let point = ScalingLadder(modes: [.strong], counts: [4], globalBatch: 64, slots: 8).points[0]
    #expect(experiment(hostfile: "hosts").call(point).binding == .core)
    #expect(experiment().call(point).binding == .shared)
  }

  @Test(arguments: [
    (Int32(64), "mpirun: x\nlockstep: no more ranks than micro-batches\n", Int32(64), "no more ranks than"),
    (137, "killed\n", 69, "killed"),
  ])
  func aFailedRunEndsTheExperimentWithItsReason(
    _ code: Int32, _ log: String, _ exitCode: Int32, _ reason: String
  ) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect {
      _ = try experiment(code: code, log: log).run(ladder([2]), repeats: 1) { _, _, _ in
      } didRun: { _ in
      }
    } throws: {
      guard let error = $0 as? RunError else { return false }
      return error.exitCode == exitCode
        && error.description.hasPrefix("the run with 2 ranks ended with code \(code): \(reason)")
    }
  }
}
