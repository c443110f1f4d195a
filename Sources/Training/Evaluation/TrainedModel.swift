internal import Checkpoints
internal import Collectives
package import Datasets
package import Files
internal import Inference
internal import Model
package import Runs
internal import Tensors

/// A model from a checkpoint, ready to look at images.
package final class TrainedModel {
  /// The recipe that trained it.
  package let recipe: Recipe
  /// What it was trained on.
  package let format: SampleFormat
  /// What errors call it.
  private let name: String
  private let metadata: [String: String]
  private let network: Network
  private let parameters: FloatBuffer
  private let classifier: ImageClassifier

  /// Loads the weights that the run evaluated: the averaged ones if the recipe has averaging. A file that holds nothing
  /// else, as `writeModel` makes it, will do.
  ///
  /// - Throws: `RunError` if the file is missing, damaged or no model.
  package convenience init(path: String) throws {
    do {
      try self.init(SavedState(path: path))
    } catch {
      throw RunError(error)
    }
  }

  /// As above, from the file's bytes; errors call it `name`.
  ///
  /// - Throws: `RunError` if it is damaged or no model.
  package convenience init(file: [UInt8], name: String) throws {
    do {
      try self.init(SavedState(file: file, name: name))
    } catch {
      throw RunError(error)
    }
  }

  private convenience init(_ saved: SavedState) throws {
    let recipe = try saved.recipe()
    let network = try Self.network(of: recipe, saved)
    try self.init(saved, recipe, network) { try saved.restoreWeights(into: $0, layout: network.layout) }
  }

  /// The model of a checkpoint that the root has read. Called by all ranks.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  convenience init(_ saved: SavedState, over communicator: any Communicator) throws {
    let (recipe, network) = try together(communicator) {
      let recipe = try saved.recipe()
      return (recipe, try Self.network(of: recipe, saved))
    }
    try self.init(saved, recipe, network) {
      try saved.restore(
        [(recipe.evaluatedPrefix, $0)], layout: network.layout, group: .alone(communicator),
        over: communicator)
    }
  }

  private static func network(of recipe: Recipe, _ saved: SavedState) throws -> Network {
    let format = try saved.format()
    try saved.requireParameters(of: recipe.network, prefix: recipe.evaluatedPrefix)
    let network = try Network(recipe.network, input: Shape(format.shape), capacity: recipe.microBatch)
    try format.requireClasses(of: network.classCount, origin: saved.name)
    return network
  }

  private init(
    _ saved: SavedState, _ recipe: Recipe, _ network: Network, restore: (FloatBuffer) throws -> Void
  ) throws {
    self.recipe = recipe
    format = try saved.format()
    name = saved.name
    self.network = network
    metadata = saved.metadata
    classifier = ImageClassifier(network)
    parameters = FloatBuffer(count: network.layout.count)
    try restore(parameters)
    network.prepare(parameters)
  }

  /// Writes the weights that count, and what the checkpoint says of itself, into a file of their own: a model to use, a
  /// quarter as large as what training needs to go on.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  package func writeModel(to path: String) throws(FileError) {
    try CheckpointFile.write(
      tensors: network.layout.tensors(of: [(recipe.evaluatedPrefix, parameters)]), metadata: metadata,
      pieces: [parameters.bytes], to: path)
  }

  /// Checks that samples of a dataset are of the shape and of the classes that this model was trained on.
  ///
  /// - Throws: `RunError` with exit code 65 that names both.
  package func requireFormat(of dataset: Dataset) throws(RunError) {
    try requireFormat(dataset.format, of: dataset.name)
  }

  func requireFormat(_ other: SampleFormat, of dataset: String) throws(RunError) {
    guard other != format else { return }
    throw RunError(
      "\(name) was trained on \(format), the dataset \(dataset) has \(other)", exitCode: 65)
  }

  /// The class probabilities of one image of the shape that it was trained on, row by row, 0 background.
  package func probabilities(_ image: [UInt8]) -> [Float] {
    precondition(image.count == network.inputShape.count, "\(image.count) pixels for \(network.inputShape)")
    return classifier.probabilities(of: image)
  }

  /// The samples that go through the network together.
  var microBatch: Int { network.capacity }

  /// Calls `body` with the logits of each sample of `shard`, moved by `offset`, and with its place in there.
  ///
  /// Samples go through the network in micro-batches counted from the shard's first one.
  func forEachLogits(
    of shard: Shard, movedBy offset: PixelOffset, _ body: (_ place: Int, _ logits: Span<Float>) -> Void
  ) {
    classifier.forEachLogits(count: shard.count) { place, input in
      classifier.preparation.prepare(shard.image(of: shard.samples[place]), movedBy: offset, into: &input)
    } logits: {
      body($0, $1)
    }
  }

  /// The filters of the first layer, if that is a convolution: each [height, width] of the first input channel, row by
  /// row.
  package var firstFilters: (height: Int, width: Int, filters: [[Float]])? {
    guard let tensor = network.layout.tensors.first, tensor.shape.count == 4 else { return nil }
    let (height, width) = (tensor.shape[0], tensor.shape[1])
    let values = parameters.elements
    let (inputs, outputs) = (tensor.shape[2], tensor.shape[3])
    let filters = (0..<outputs).map { output in
      (0..<height * width).map { values[tensor.offset + $0 * inputs * outputs + output] }
    }
    return (height, width, filters)
  }

  package var classCount: Int { network.classCount }

  /// The logits of images, [count, classCount]: those that evaluation sees, to the bit, if the images begin at a multiple
  /// of the recipe's micro-batch.
  package func logits(_ images: LabelledImages) -> [Float] {
    precondition(images.shape == format.shape, "\(images.shape) pixels")
    return classifier.logits(of: images.images)
  }
}
