internal import Checkpoints
package import Collectives
package import Datasets
internal import Model
internal import Runs
internal import Tensors

/// How models do on samples that they were not trained on: each as it is, and averaged.
package struct ModelScores: Hashable, Sendable {
  /// The figures of one model, or of several that are averaged.
  package struct Figures: Hashable, Sendable {
    /// Each image seen once, as it is.
    package let plain: Evaluation
    /// Averaged over moved copies of each image; nil unless asked for.
    package let shifted: Evaluation?

    /// The figures of what was asked for.
    package var last: Evaluation { shifted ?? plain }
  }

  /// Each model's, in the order in which they were named.
  package let models: [Figures]
  /// Those of all models' average; nil for a single one.
  package let average: Figures?

  /// The figures of what was asked for: of the average, if there are several models.
  package var last: Evaluation { (average ?? models[0]).last }
}

/// How many copies of an image an evaluation averages over (Krizhevsky, Sutskever, Hinton 2012, §4.1, who crop instead): an
/// odd number up to 25, by the shortest moves, so that an image is moved nowhere on the whole.
package struct ShiftedCopies: Hashable, Sendable {
  package let count: Int
  let offsets: [PixelOffset]

  /// nil if there is no such number of copies.
  package init?(_ count: Int) {
    guard (1...PixelOffset.most).contains(count), count % 2 == 1 else { return nil }
    self.count = count
    offsets = PixelOffset.nearest(count)
  }

  /// What `count` may be, in words.
  package static let expected = "an odd number from 1 to \(PixelOffset.most)"
}

/// The samples that models are scored on.
package enum EvaluatedSplit: String, Sendable, CaseIterable {
  case test
  /// The last training samples, as many as the recipe keeps for validation: what choices are made by.
  case validation
}

/// Scores models in checkpoints, each rank its part of the samples. Called by all ranks; all get the same result.
///
/// Averages are of probabilities (Hansen, Salamon 1990 for models). A single model on unmoved images is scored by its
/// logits, as training does it.
///
/// - Throws: `RunError`, the same on all ranks; with exit code 78 for a model whose losses ran away.
package func evaluateModels(
  at paths: [String], on split: EvaluatedSplit = .test, shifts: ShiftedCopies,
  openDataset: () throws -> Dataset, communicator: any Communicator
) throws -> ModelScores {
  precondition(!paths.isEmpty, "no models")
  let models = try paths.map { path in
    let saved = try SavedState.shared(over: communicator) { try CheckpointFile(reading: path) }
    guard let saved else { preconditionFailure("a file that was read is there") }
    return try TrainedModel(saved, over: communicator)
  }
  let survey = try surveyData(openDataset, communicator: communicator)
  try together(communicator) {
    for model in models { try model.requireFormat(survey.format, of: survey.name) }
  }
  let samples = try together(communicator) {
    switch split {
    case .test: 0..<survey.testCount
    case .validation: try validationSamples(of: zip(models, paths), in: survey)
    }
  }
  let data = try loadData(survey, communicator: communicator)
  let size = commonMultiple(of: models.map(\.microBatch), atMost: samples.count)
  let shard =
    switch split {
    case .test:
      try Evaluator.deal(
        data.test, from: data.testPlacement, samples: samples, inPiecesOf: size, over: communicator)
    case .validation:
      try Evaluator.deal(
        Shard(data.train, first: data.firstOfTrain, of: survey.trainCount, longest: data.longest),
        from: data.trainPlacement, samples: samples, inPiecesOf: size, over: communicator)
    }
  var scoring = ModelScoring(shard, shifts: shifts, classCount: models.map(\.classCount).max() ?? 0)
  var figures: [ModelScores.Figures] = []
  for (model, path) in zip(models, paths) {
    let own = try scoring.add(model, over: communicator)
    if Divergence.isLost(own.plain.loss) {
      throw Divergence.error(
        own.plain.loss, "\(split == .test ? "on the test set" : "in validation") with \(path)")
    }
    figures.append(own)
  }
  return ModelScores(
    models: figures, average: models.count > 1 ? try scoring.average(over: communicator) : nil)
}

/// The samples that all models were kept from by their recipes.
///
/// - Throws: `RunError` with exit code 64 if there are none, or if they are not the same.
private func validationSamples(
  of models: some Sequence<(TrainedModel, String)>, in survey: DatasetSurvey
) throws(RunError) -> Range<Int> {
  var count: Int?
  for (model, path) in models {
    let own = model.recipe.validation
    guard own > 0, own < survey.trainCount else {
      throw RunError(
        "\(path): expected a recipe that keeps some of the \(survey.trainCount) training samples for validation, found "
          + "\(own)", exitCode: 64)
    }
    guard count ?? own == own else {
      throw RunError(
        "\(path): expected a model that \(count ?? 0) samples were kept from for validation as from the others, found "
          + "\(own)", exitCode: 64)
    }
    count = own
  }
  return survey.trainCount - (count ?? 0)..<survey.trainCount
}

/// The smallest number that all of `sizes` divide, or `limit` if that is larger. Every model then finds its micro-batches
/// begin at multiples of their length in the whole set, as training does.
private func commonMultiple(of sizes: [Int], atMost limit: Int) -> Int {
  var multiple = 1
  for size in sizes {
    var (a, b) = (multiple, size)
    while b != 0 { (a, b) = (b, a % b) }
    multiple = multiple / a * size
    if multiple >= limit { return max(limit, 1) }
  }
  return multiple
}

/// Scores one model after the other on a rank's samples, and adds up their probabilities.
private struct ModelScoring {
  private let shard: Shard
  private let shifts: ShiftedCopies
  /// The classes of the model that has most; others have probability 0 there.
  private let classCount: Int
  /// Sums of probabilities over the models, [samples, classes]: of the images as they are, and of the averages over copies.
  private var plain: [Float]
  private var shifted: [Float]
  private var modelCount = 0

  init(_ shard: Shard, shifts: ShiftedCopies, classCount: Int) {
    self.shard = shard
    self.shifts = shifts
    self.classCount = classCount
    plain = [Float](repeating: 0, count: shard.count * classCount)
    shifted = shifts.count > 1 ? plain : []
  }

  /// Scores a model. Called by all ranks.
  mutating func add(_ model: TrainedModel, over communicator: any Communicator) throws -> ModelScores.Figures
  {
    let crossEntropy = SoftmaxCrossEntropy(classCount: model.classCount)
    var counts = EvaluationCounts(classCount: model.classCount)
    var copies = shifts.count > 1 ? [Float](repeating: 0, count: shard.count * classCount) : []
    var label: [UInt16] = [0]
    for offset in shifts.offsets {
      model.forEachLogits(of: shard, movedBy: offset) { place, logits in
        let probabilities = crossEntropy.probabilities(logits)
        let first = place * classCount
        if !copies.isEmpty {
          for (c, probability) in probabilities.enumerated() { copies[first + c] += probability }
        }
        guard offset == .zero else { return }
        for (c, probability) in probabilities.enumerated() { plain[first + c] += probability }
        label[0] = shard.label(of: shard.samples[place])
        counts.add(
          truth: Int(label[0]), prediction: SoftmaxCrossEntropy.largest(logits),
          loss: Double(crossEntropy.evaluate(logits: logits, labels: label.span).loss))
      }
    }
    for index in copies.indices { shifted[index] += copies[index] }
    modelCount += 1
    return ModelScores.Figures(
      plain: try counts.evaluation(over: communicator),
      shifted: copies.isEmpty
        ? nil : try score(copies, of: shifts.count, model.classCount).evaluation(over: communicator))
  }

  /// The figures of all models' averages. Called by all ranks.
  func average(over communicator: any Communicator) throws -> ModelScores.Figures {
    ModelScores.Figures(
      plain: try score(plain, of: modelCount, classCount).evaluation(over: communicator),
      shifted: shifted.isEmpty
        ? nil
        : try score(shifted, of: modelCount * shifts.count, classCount).evaluation(over: communicator))
  }

  /// Scores means of `count` probabilities each, of which `classes` are a model's.
  private func score(_ sums: [Float], of count: Int, _ classes: Int) -> EvaluationCounts {
    var counts = EvaluationCounts(classCount: classes)
    for place in 0..<shard.count {
      let truth = Int(shard.label(of: shard.samples[place]))
      let row = sums.span.extracting(place * classCount..<place * classCount + classes)
      let probability = Double(row[truth]) / Double(count)
      // A probability that is too small for a Float counts as the smallest one, so that the loss stays finite.
      let loss =
        probability.isNaN
        ? Double.infinity : -naturalLogarithm(max(probability, Double(Float.leastNormalMagnitude)))
      counts.add(truth: truth, prediction: SoftmaxCrossEntropy.largest(row), loss: loss)
    }
    return counts
  }
}
