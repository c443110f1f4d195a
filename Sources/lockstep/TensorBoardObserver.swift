import Analysis
import Datasets
import Formatting
import Foundation
import Reports
import RunReports
import Runs
import TensorBoard
import Training

/// Writes what a run tells into event files too. That they fail is no failure of the run.
final class TensorBoardObserver: TrainingObserver {
  private let console: TrainingConsole
  private let folder: RunFolder
  private var file: EventFile?

  init(console: TrainingConsole, folder: RunFolder) {
    self.console = console
    self.folder = folder
  }

  private func write(_ body: (EventFile) throws -> Void) {
    guard let file else { return }
    do {
      try body(file)
    } catch {
      self.file = nil
      console.notice(
        "no more TensorBoard events: \(folder.path)/tensorboard cannot be written: \(RunError(error).description)"
      )
    }
  }

  func runWillStart(_ start: RunStart) {
    do {
      file = try EventFile(
        folder: folder.path + "/tensorboard", resumedStep: start.firstStep > 0 ? start.firstStep : nil)
    } catch {
      console.notice(
        "no TensorBoard events: \(folder.path)/tensorboard cannot be written: \(RunError(error).description)")
    }
    console.runWillStart(start)
  }

  func didStep(_ progress: StepProgress) {
    let record = progress.record
    write {
      try $0.append(
        scalars: [
          ("train/loss", record.loss), ("train/accuracy", record.accuracy),
          ("train/learning rate", record.learningRate),
        ], step: record.step)
    }
    console.didStep(progress)
  }

  func didFinishEpoch(_ record: EpochRecord, of epochs: Int) {
    var scalars = [
      ("epoch/loss", record.loss), ("epoch/accuracy", record.accuracy),
      ("epoch/images per second", record.imagesPerSecond),
    ]
    if let loss = record.validationLoss { scalars.append(("validation/loss", loss)) }
    if let accuracy = record.validationAccuracy { scalars.append(("validation/accuracy", accuracy)) }
    write { try $0.append(scalars: scalars, step: record.step) }
    console.didFinishEpoch(record, of: epochs)
  }

  func didEvaluate(_ parameters: EvaluatedParameters, step: Int) {
    write { file in
      try parameters.forEach { name, values in
        try values.withUnsafeBufferPointer { try file.append(histogram: $0, tag: name, step: step) }
      }
      try file.flush()
    }
  }

  func didFlush() { write { try $0.flush() } }

  func notice(_ sentence: String) { console.notice(sentence) }
}

extension EventFile {
  private static let galleryLimit = 50

  /// Writes the end of a finished run into a file beside those of its training: its test accuracy, and the most confident
  /// mistakes as pictures.
  ///
  /// - Throws: `RunError` if the run is not finished, what reading its model or the dataset throws, and what Foundation
  ///   throws if the file cannot be written.
  static func writeEnd(of folder: RunFolder, openDataset: (_ name: String?) throws -> Dataset) throws {
    guard let result = try RunHistory(folder: folder).result else {
      throw RunError("\(folder.result): expected a run's figures, found no file", exitCode: 66)
    }
    let file = try EventFile(folder: folder.path + "/tensorboard")
    try file.append(scalars: [("test/accuracy", result.testAccuracy)], step: result.steps)
    let model = try TrainedModel(path: folder.final)
    let dataset = try openDataset(result.dataset)
    try model.requireFormat(of: dataset)
    let images = try dataset.read(.test, 0..<dataset.testCount)
    let answers = model.predictions(images).answers()
    for (place, answer) in answers.mistakes.prefix(galleryLimit).enumerated() {
      let number = String(place + 101).dropFirst()
      try file.append(
        image: PNGImage.grey(images.image(answer.index), width: images.columns, height: images.rows),
        width: images.columns,
        height: images.rows,
        tag: "mistakes/\(number): \(answer.truth) read as \(answer.prediction), "
          + "\(Numbers.fixed(100 * answer.confidence, 1)) %, test image \(answer.index)", step: result.steps
      )
    }
    try file.flush()
  }
}
