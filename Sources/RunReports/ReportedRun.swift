internal import Analysis
internal import Checkpoints
internal import Datasets
internal import Files
internal import Formatting
internal import Foundation
internal import Runs
internal import Training

/// A run and what its model makes of the test set and of the run's validation split.
struct ReportedRun {
  /// A test set and what a model makes of it.
  struct Test {
    var images: LabelledImages
    var predictions: Predictions
    /// What the model answers to each image, in order.
    var answers: [Answer]
  }

  /// The filters of a convolution, each [height, width], row by row.
  typealias Filters = (height: Int, width: Int, filters: [[Float]])

  let name: String
  let history: RunHistory
  /// nil without a model or a dataset.
  private(set) var test: Test?
  private(set) var validation: Predictions?
  /// Those of the first layer, if that is a convolution.
  private(set) var filters: Filters?
  /// What is missing and why, a sentence each.
  private(set) var notes: [String] = []

  /// Has the run's model look at the dataset that `open` gives.
  init(_ history: RunHistory, name: String, open: (String?) throws -> Dataset) throws {
    self.name = name
    self.history = history
    guard let model = try model() else { return }
    filters = model.firstFilters
    do {
      let dataset = try open(history.result?.dataset ?? history.launch?.dataset)
      try model.requireFormat(of: dataset)
      let images = try dataset.read(.test, 0..<dataset.testCount)
      let predictions = model.predictions(images)
      let answers = predictions.answers()
      test = Test(images: images, predictions: predictions, answers: answers)
      validation = try model.validationPredictions(dataset)
      let errors = answers.count { !$0.isRight }
      if let result = history.result, result.testErrors != errors {
        notes.append(
          "At the end of the run the model made \(result.testErrors) errors on the test set, here \(errors): this "
            + "is another dataset, or the run's products were OpenBLAS's own.")
      }
    } catch let error as any ReportedError {
      notes.append("What needs the test set is missing: \(error).")
    }
  }

  /// Whether there is a file.
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The model at the end of the run, else that of its newest checkpoint that is intact; nil if there is none.
  private mutating func model() throws -> TrainedModel? {
    if Self.exists(history.folder.final) {
      do {
        return try TrainedModel(path: history.folder.final)
      } catch let error as any ReportedError {
        notes.append("The model at the end of the run was passed over: \(error).")
      }
    }
    let newest = try? CheckpointStore(folder: history.folder.checkpoints, keep: 1).newestValid()
    for error in newest?.skipped ?? [] { notes.append("A checkpoint was passed over: \(error).") }
    guard let checkpoint = newest?.checkpoint else {
      notes.append("This run has no model yet, so what a model would make of the test set is missing.")
      return nil
    }
    let model = try TrainedModel(path: checkpoint.path)
    let step = checkpoint.contents.metadata["step"].flatMap { Int($0) } ?? 0
    let reason = history.result != nil ? "" : "This run has not come to its end: "
    notes.append(
      "\(reason)\(reason.isEmpty ? "The" : "the") model is that after step \(Numbers.grouped(step)).")
    return model
  }
}
