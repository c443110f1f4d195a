internal import Foundation
package import Jobs
package import Runs

/// Trains at each point of a ladder, in processes of their own, and reads what the runs leave.
package struct ScalingExperiment {
  /// Where results go, and where each run's folder lies while it is needed.
  package let folder: String
  /// The user's arguments of `lockstep train`.
  package let arguments: [String]
  /// The hostfile's path; nil for this host.
  package let hostfile: String?
  /// Further arguments for `mpirun`.
  package let mpirunOptions: [String]
  /// The validation accuracy, in per cent, to measure the time to.
  package let target: Double
  /// The processors of this host.
  package let processors: ProcessorSet
  /// Runs `mpirun` with this program's `command`, its standard error in the file `log`, and returns the exit
  /// code.
  private let execute: (_ call: MPIRun, _ command: [String], _ log: String) throws -> Int32

  /// An experiment that starts processes with `execute`.
  package init(
    folder: String, arguments: [String], hostfile: String?, mpirunOptions: [String], target: Double,
    processors: ProcessorSet, execute: @escaping (MPIRun, [String], String) throws -> Int32
  ) {
    self.folder = folder
    self.arguments = arguments
    self.hostfile = hostfile
    self.mpirunOptions = mpirunOptions
    self.target = target
    self.processors = processors
    self.execute = execute
  }

  /// Runs the whole ladder `repeats` times, in turns, so that whatever slows the machine down for a while
  /// does not hit one point alone. `willRun` is told the run's number, from 1, and how many there are;
  /// `didRun` gets the ladder after each.
  ///
  /// - Throws: `RunError` if a run fails, and what the closures throw.
  package func run(
    _ ladder: ScalingLadder, repeats: Int,
    willRun: (_ number: Int, _ count: Int, _ point: ScalingPoint) -> Void,
    didRun: (ScalingLadder) throws -> Void
  ) throws -> ScalingLadder {
    var ladder = ladder
    let count = repeats * ladder.points.count
    for round in 0..<repeats {
      for index in ladder.points.indices {
        let point = ladder.points[index]
        willRun(round * ladder.points.count + index + 1, count, point)
        ladder.points[index].runs.append(try measure(point))
        try didRun(ladder)
      }
    }
    return ladder
  }

  /// Trains once at a point. The run's folder is removed afterwards.
  private func measure(_ point: ScalingPoint) throws -> ScalingPoint.Run {
    // A name that nobody else uses: whatever lies there is removed.
    let name = "\(folder)/.lockstep-scale-\(ProcessInfo.processInfo.processIdentifier)"
    let run = RunFolder(path: name)
    let log = name + ".log"
    func clear() { for path in [run.path, log] { try? FileManager.default.removeItem(atPath: path) } }
    clear()
    defer { clear() }
    let code = try execute(call(point), command(point, run), log)
    guard code == 0 else {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw RunError(
        "the run with \(point.ranks) ranks ended with code \(code): \(Self.reason(in: text))",
        exitCode: RestartPolicy.isExplained(exitCode: code) ? code : 69)
    }
    let history = try RunHistory(folder: run)
    guard let result = history.result else {
      throw RunError("the run with \(point.ranks) ranks left no result.json", exitCode: 65)
    }
    return ScalingPoint.Run(result: result, epochs: history.epochs, target: target)
  }

  /// How `mpirun` is called at a point. With a hostfile a core for each rank is what its slots promise.
  package func call(_ point: ScalingPoint) -> MPIRun {
    let binding =
      point.isOversubscribed
      ? Binding.shared : hostfile == nil ? Binding(ranks: point.ranks, processors: processors) : .core
    return MPIRun(ranks: point.ranks, hostfile: hostfile, binding: binding, options: mpirunOptions)
  }

  private func command(_ point: ScalingPoint, _ run: RunFolder) -> [String] {
    ["train", "--quiet", "--no-report", "--run", run.path] + arguments + [
      "--global-batch", "\(point.globalBatch)",
    ]
  }

  /// The sentence in which a run says why it failed, else the end of what it printed.
  private static func reason(in log: String) -> String {
    let mark = "lockstep: "
    let sentence = log.split(separator: "\n").first { $0.hasPrefix(mark) }?.dropFirst(mark.count)
    return String(sentence ?? log.suffix(500))
  }
}

extension ScalingPoint.Run {
  /// What a finished run's files say; `target` is the validation accuracy, in per cent, to measure the time
  /// to.
  package init(result: RunResult, epochs: [EpochRecord], target: Double) {
    let count = Double(result.rankTimes.count)
    func mean(_ value: (PhaseTimes) -> Double) -> Double {
      result.rankTimes.reduce(0) { $0 + value($1.phases) } / count
    }
    let computed = result.rankTimes.map { $0.phases.forward + $0.phases.backward }
    let total = mean(\.total)
    let average = computed.reduce(0, +) / count
    self.init(
      imagesPerSecond: result.imagesPerSecond,
      secondsToTarget: Self.secondsToTarget(epochs: epochs, target: target),
      compute: mean { $0.data + $0.forward + $0.backward } / total, reduction: mean(\.reduction) / total,
      wait: mean(\.wait) / total, update: mean(\.update) / total,
      imbalance: average > 0 ? (computed.max() ?? 0) / average - 1 : 0,
      processorSeconds: result.rankTimes.reduce(0) { $0 + $1.processorSeconds },
      digest: result.checkpointDigest)
  }

  /// Seconds of training steps until the end of the first epoch whose validation reaches `target`, nil if
  /// none does.
  private static func secondsToTarget(epochs: [EpochRecord], target: Double) -> Double? {
    var seconds = 0.0
    for epoch in epochs {
      seconds += epoch.seconds.total
      if let accuracy = epoch.validationAccuracy, accuracy >= target { return seconds }
    }
    return nil
  }
}
