internal import Checkpoints
public import Collectives
public import Datasets
internal import Model
public import Runs
internal import Tensors

/// A model from a checkpoint, ready to look at images.
public final class TrainedModel {
  /// The recipe that trained it.
  public let recipe: Recipe
  private let network: Network
  private let parameters: FloatBuffer
  private let preparation = InputPreparation(shift: 0, seed: 0)

  /// Loads the weights that the run evaluated: averaged ones where the recipe asked for such.
  ///
  /// - Throws: `RunError` if the file is missing, damaged or no model.
  public convenience init(path: String) throws {
    do {
      try self.init(SavedState(path: path))
    } catch {
      throw RunError(error)
    }
  }

  init(_ saved: SavedState) throws {
    recipe = try saved.recipe()
    network = try Network(recipe.network, capacity: recipe.microBatch)
    let state = TrainingState(recipe: recipe, layout: network.layout)
    try state.restore(from: saved)
    parameters = state.evaluated
    network.prepare(parameters)
  }

  /// The class probabilities of one image of 28 × 28 pixels, row by row, 0 background.
  public func probabilities(_ image: [UInt8]) -> [Float] {
    precondition(image.count == network.inputShape.count, "\(image.count) pixels for \(network.inputShape)")
    image.withUnsafeBufferPointer { pixels in
      if let base = pixels.baseAddress { preparation.prepare(base, into: network.input.pointer) }
    }
    let logits = network.forward(count: 1)
    return SoftmaxCrossEntropy(classCount: network.classCount).probabilities(logits)
  }

  /// The filters of the first layer, if that is a convolution: each [height, width] of the first input channel, row by
  /// row.
  public var firstFilters: (height: Int, width: Int, filters: [[Float]])? {
    guard let tensor = network.layout.tensors.first, tensor.shape.count == 4 else { return nil }
    let (height, width) = (tensor.shape[0], tensor.shape[1])
    let (inputs, outputs) = (tensor.shape[2], tensor.shape[3])
    let filters = (0..<outputs).map { output in
      (0..<height * width).map { parameters.pointer[tensor.offset + $0 * inputs * outputs + output] }
    }
    return (height, width, filters)
  }

  public var classCount: Int { network.classCount }

  /// The logits of images, [count, classCount]: those that evaluation sees, to the bit, if the images begin at a multiple
  /// of the recipe's micro-batch.
  public func logits(_ images: LabelledImages) -> [Float] {
    let pixels = network.inputShape.count
    precondition(images.shape.pixelCount == pixels, "\(images.shape) pixels")
    var logits: [Float] = []
    logits.reserveCapacity(images.count * classCount)
    images.images.withUnsafeBufferPointer { all in
      guard let base = all.baseAddress else { return }
      for start in stride(from: 0, to: images.count, by: network.capacity) {
        let count = min(network.capacity, images.count - start)
        for i in 0..<count {
          preparation.prepare(base + (start + i) * pixels, into: network.input.pointer + i * pixels)
        }
        let rows = network.forward(count: count)
        logits.append(contentsOf: UnsafeBufferPointer(start: rows, count: count * classCount))
      }
    }
    return logits
  }

  fileprivate func evaluator(
    _ data: LoadedData, communicator: any Communicator
  ) throws -> Evaluator {
    try Evaluator.dealt(
      data.test, from: data.testPlacement, samples: 0..<data.facts.testCount, network: network,
      over: communicator)
  }

  fileprivate func evaluate(with evaluator: Evaluator) throws -> Evaluation {
    try evaluator.evaluate(parameters)
  }
}

/// Scores the model in a checkpoint on the test set, each rank its part. Called by all ranks; all get the same
/// result.
///
/// - Throws: `RunError`, the same on all ranks.
public func evaluateModel(
  at path: String, openDataset: () throws -> Dataset, communicator: any Communicator
) throws -> Evaluation {
  let saved = try SavedState.shared(over: communicator) { try CheckpointFile(reading: path) }
  guard let saved else { preconditionFailure("a file that was read has bytes") }
  let model = try together(communicator) { try TrainedModel(saved) }
  let data = try loadData(openDataset, communicator: communicator)
  return try model.evaluate(with: model.evaluator(data, communicator: communicator))
}
