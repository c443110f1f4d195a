internal import Files
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
  /// does not hit one point alone. Explaining, independent copies take turns with the points. `willRun` is told
  /// the turn's number, from 1, and how many there are; `didRun` gets the ladder after each.
  ///
  /// - Throws: `RunError` if a run fails, and what the closures throw.
  package func run(
    _ ladder: ScalingLadder, repeats: Int, explaining: Bool = false,
    willRun: (_ number: Int, _ count: Int, _ turn: ScalingTurn) -> Void,
    didRun: (ScalingLadder) throws -> Void
  ) throws -> ScalingLadder {
    var ladder = ladder
    let turns = ladder.turns(explaining: explaining)
    for round in 0..<repeats {
      for (index, turn) in turns.enumerated() {
        willRun(round * turns.count + index + 1, repeats * turns.count, turn)
        switch turn {
        case .training(let index, _, _):
          ladder.points[index].runs.append(try measure(ladder.points[index]))
        case .copies(let indices, let count, let globalBatch):
          let run = try copies(like: ladder.points[indices[0]], count: count, globalBatch: globalBatch)
          for index in indices { ladder.points[index].copies = (ladder.points[index].copies ?? []) + [run] }
        }
        try didRun(ladder)
      }
    }
    return ladder
  }

  /// Trains once at a point.
  private func measure(_ point: ScalingPoint) throws -> ScalingPoint.Run {
    let name = "the run with \(point.ranks) ranks"
    return try withFolder { run, log in
      try start(
        name, point, ["--run", run.path] + arguments + ["--global-batch", "\(point.globalBatch)"], log)
      let history = try RunHistory(folder: run)
      guard let result = history.result else { throw RunError("\(name) left no result.json", exitCode: 65) }
      var figures = ScalingPoint.Run(result: result, epochs: history.epochs, target: target)
      figures.stepTimes = StepTimes(history.steps)
      return figures
    }
  }

  /// Trains `count` copies at once, each alone where a rank of `point` runs.
  private func copies(like point: ScalingPoint, count: Int, globalBatch: Int) throws -> CopiesRun {
    let name = "the run of \(count) copies"
    return try withFolder { run, log in
      // The copies of this host find it there; others use a place of their own.
      try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
      try start(
        name, point, ["--copies", run.path] + arguments + ["--global-batch", "\(globalBatch)"], log)
      let file = run.path + "/" + CopyFigures.fileName
      guard let data = FileManager.default.contents(atPath: file),
        let figures = try? JSONDecoder().decode([CopyFigures].self, from: data), figures.count == count
      else { throw RunError("\(name) left no figures of all copies", exitCode: 65) }
      return CopiesRun(figures)
    }
  }

  /// Calls `body` with the names of a run's folder and of a log, in a new folder that is removed afterwards.
  private func withFolder<Value>(_ body: (_ run: RunFolder, _ log: String) throws -> Value) throws -> Value {
    let place = try PendingFile.createFreshFolder(
      "\(folder)/.lockstep-scale-\(ProcessInfo.processInfo.processIdentifier)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: place) }
    return try body(RunFolder(path: place + "/run"), place + "/log")
  }

  /// Runs `train` on a point's ranks, and sees that it ends well.
  private func start(_ name: String, _ point: ScalingPoint, _ words: [String], _ log: String) throws {
    let code = try execute(call(point), ["train", "--quiet", "--no-report"] + words, log)
    guard code == 0 else {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      throw RunError(
        "\(name) ended with code \(code): \(Self.reason(in: text))",
        exitCode: RestartPolicy.isExplained(exitCode: code) ? code : 69)
    }
  }

  /// How `mpirun` is called at a point. With a hostfile a core for each rank is what its slots promise.
  package func call(_ point: ScalingPoint) -> MPIRun {
    let binding =
      point.isOversubscribed
      ? Binding.shared : hostfile == nil ? Binding(ranks: point.ranks, processors: processors) : .core
    return MPIRun(ranks: point.ranks, hostfile: hostfile, binding: binding, options: mpirunOptions)
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
      digest: result.checkpointDigest, coreSeconds: CoreSeconds(result))
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
