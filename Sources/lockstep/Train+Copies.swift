import Collectives
import Files
import Foundation
import Runs
import Scaling
import Training

extension Train {
  /// Trains on each rank as if there were no other, all at the same time. The root writes the figures of all into
  /// `folder`.
  func trainCopies(into folder: String) throws {
    // A copy that is done waits for the slowest, however long that takes.
    let world = try RankProcess.world(stallTimeout: 0)
    let figures = try trainCopy(in: world, near: folder)
    let all = try world.allGather(Array(JSONEncoder().encode(figures))).map {
      try JSONDecoder().decode(CopyFigures.self, from: Data($0))
    }
    if world.rank == 0 {
      try writeFile(JSONEncoder().encode(all), to: folder + "/" + CopyFigures.fileName)
    }
    RankProcess.finish(code: 0)
  }

  /// Trains this rank's copy in a folder of its own, which is removed.
  private func trainCopy(in world: any Communicator, near folder: String) throws -> CopyFigures {
    // Other hosts need not have the root's folder.
    let files = FileManager.default
    let place = files.fileExists(atPath: folder) ? folder : files.temporaryDirectory.path
    let process = ProcessInfo.processInfo.processIdentifier
    let own = try RunFolder(freshNamed: "\(place)/lockstep-copy-\(world.rank)-\(process)")
    defer { try? files.removeItem(atPath: own.path) }
    let observer = CopyObserver()
    let recipeOptions = recipeOptions
    do {
      let trainer = try Trainer(
        communicator: SingleCommunicator(), options: trainingOptions(folder: own, kept: givenOptions),
        observer: observer
      ) { try recipeOptions.resolve(over: $0) }
      try world.barrier()
      observer.start = MonotonicClock.now()
      guard case .finished = try trainer.run() else {
        throw RunError("a copy was stopped by a signal", exitCode: 75)
      }
    } catch {
      // A copy's errors are shared with all ranks of its own world, and unknown to the other copies.
      let error = RunError(error)
      throw RunError(error.description, exitCode: error.exitCode)
    }
    guard let log = observer.log else { throw RunError("a copy took no step", exitCode: 70) }
    let ends = try world.allGather(numbers: [log.end]).compactMap(\.first)
    return log.figures(until: ends.min() ?? 0)
  }
}

/// Notes when a copy's steps end.
private final class CopyObserver: TrainingObserver {
  /// When all copies began.
  var start = 0.0
  private(set) var log: CopyLog?

  func runWillStart(_ start: RunStart) {
    log = CopyLog(
      globalBatch: start.recipe.globalBatch, trainCount: start.trainCount,
      stepsPerEpoch: start.stepsPerEpoch, totalSteps: start.totalSteps)
  }

  func didStep(_ progress: StepProgress) {
    log?.step(progress.record.seconds, endedAfter: MonotonicClock.now() - start)
  }

  func didFinishEpoch(_ record: EpochRecord, of epochs: Int) {}

  func notice(_ sentence: String) {}
}
