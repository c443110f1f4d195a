package import Runs

/// What one of several independent copies of a training did while all of them trained.
package struct CopyFigures: Hashable, Sendable, Codable {
  /// Training images.
  package var images: Int
  /// Where the time of its steps went, in seconds.
  package var phases: PhaseTimes

  /// Seconds of its steps.
  package var seconds: Double { phases.total - phases.checkpoint }
  /// Training images per second.
  package var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }

  /// Figures of a copy.
  package init(images: Int, phases: PhaseTimes) {
    self.images = images
    self.phases = phases
  }

  /// The name of the file with all copies' figures in the folder that they were told.
  package static let fileName = "copies.json"
}

/// The steps of one of several independent copies of a training, as they end.
///
/// Copies on quicker cores are done first, and those that are left have the machine to themselves: only the time
/// until the first one is done tells what all get at once.
package struct CopyLog: Sendable {
  private let globalBatch: Int
  private let trainCount: Int
  private let stepsPerEpoch: Int
  private var ends: [Double] = []
  private var times: [PhaseTimes] = []

  /// The log of a training whose epochs have `stepsPerEpoch` steps of `globalBatch` of `trainCount` samples, and
  /// which takes `totalSteps`.
  package init(globalBatch: Int, trainCount: Int, stepsPerEpoch: Int, totalSteps: Int) {
    self.globalBatch = globalBatch
    self.trainCount = trainCount
    self.stepsPerEpoch = stepsPerEpoch
    ends.reserveCapacity(totalSteps)
    times.reserveCapacity(totalSteps)
  }

  /// A step ended `seconds` after all copies had begun, and took `phases`.
  package mutating func step(_ phases: PhaseTimes, endedAfter seconds: Double) {
    ends.append(seconds)
    times.append(phases)
  }

  /// When the last step ended, in seconds after all copies had begun.
  package var end: Double { ends.last ?? 0 }

  /// What the steps that ended by `limit` add up to; of the first one, if none did.
  package func figures(until limit: Double) -> CopyFigures {
    let count = max(ends.count { $0 <= limit }, min(ends.count, 1))
    return CopyFigures(
      images: images(ofSteps: count), phases: times.prefix(count).reduce(PhaseTimes()) { $0 + $1 })
  }

  /// Images in the first steps: an epoch's last batch may be short.
  private func images(ofSteps count: Int) -> Int {
    let ofEpoch = min(stepsPerEpoch * globalBatch, trainCount)
    return count / stepsPerEpoch * ofEpoch + count % stepsPerEpoch * globalBatch
  }
}
