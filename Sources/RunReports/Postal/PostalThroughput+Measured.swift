package import Analysis
package import Datasets
internal import Dispatch
internal import Files
internal import Jobs
internal import Synchronization
internal import Training

extension PostalThroughput {
  /// Has copies of a model read images over and over, for half a second on one core and then on all that this process
  /// may use.
  ///
  /// - Throws: `RunError` if the file at `model` is missing, damaged or no model.
  package static func measured(
    model: String, digits: Int, images: LabelledImages
  ) throws -> PostalThroughput {
    let cores = ProcessorSet().cores
    let one = try imagesPerSecond(model: model, images, threads: 1)
    let all = cores > 1 ? try imagesPerSecond(model: model, images, threads: cores) : one
    return PostalThroughput(oneCore: one / Double(digits), allCores: all / Double(digits), cores: cores)
  }

  private static func imagesPerSecond(
    model: String, _ images: LabelledImages, threads: Int
  ) throws -> Double {
    let readers = try (0..<threads).map { _ in Reader(model: try TrainedModel(path: model)) }
    let total = Mutex(0)
    let start = MonotonicClock.now()
    DispatchQueue.concurrentPerform(iterations: threads) { index in
      var count = 0
      while MonotonicClock.now() - start < 0.5 {
        _ = readers[index].model.logits(images)
        count += images.count
      }
      total.withLock { $0 += count }
    }
    return Double(total.withLock { $0 }) / (MonotonicClock.now() - start)
  }

  /// A model that one thread alone uses.
  private struct Reader: @unchecked Sendable {
    let model: TrainedModel
  }
}
