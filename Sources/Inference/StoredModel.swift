internal import Checkpoints
package import Datasets
package import Digests
internal import Files
internal import Model
package import Runs
internal import Tensors

/// The model in a checkpoint, without what only training needs: the weights that the run evaluated.
package struct StoredModel: Sendable {
  /// The path it was read from, or what errors call it.
  package let path: String
  /// The recipe that trained it, or that it would be trained on with.
  package let recipe: Recipe
  /// What it was trained on.
  package let format: SampleFormat
  /// The network and its weights: the averaged ones if the recipe has averaging.
  package let weights: ModelWeights
  /// SHA-256 of the file's bytes.
  package let fileDigest: SHA256Digest

  /// Reads and verifies the checkpoint at `path`.
  ///
  /// - Throws: `FileError`, `RunError` or `NetworkSpecificationError` if the file is missing, damaged or no model.
  package init(path: String) throws {
    let (file, digest) = try CheckpointFile.readingWithDigest(path)
    try self.init(file, digest)
  }

  /// As above, from the file's bytes; errors call it `name`.
  ///
  /// - Throws: `FileError`, `RunError` or `NetworkSpecificationError` if it is damaged or no model.
  package init(file: [UInt8], name: String) throws {
    try self.init(CheckpointFile(bytes: file, path: name), SHA256Digest(of: file))
  }

  private init(_ file: CheckpointFile, _ digest: SHA256Digest) throws {
    let metadata = file.contents.metadata
    recipe = try Recipe(metadata: metadata, origin: file.path)
    format = try SampleFormat(metadata: metadata, origin: file.path)
    let input = Shape(format.shape)
    try file.requireParameters(of: recipe.network, input: input, prefix: recipe.evaluatedPrefix)
    var weights = try ModelWeights(recipe.network, input: input)
    try format.requireClasses(of: weights.classCount, origin: file.path)
    let values = FloatBuffer(count: weights.values.count)
    try file.restore(
      Self.descriptions(of: weights, prefix: recipe.evaluatedPrefix),
      into: [UnsafeMutableRawBufferPointer(values.elements)])
    weights.values = Array(values.elements)
    self.weights = weights
    path = file.path
    fileDigest = digest
  }

  /// The model at work.
  ///
  /// - Throws: `NetworkSpecificationError`, which reading would have thrown before.
  package func classifier() throws -> ImageClassifier {
    // Micro-batches as evaluation has them: so logits have the same bits.
    let network = try Network(weights.network, input: weights.inputShape, capacity: recipe.microBatch)
    network.prepare(FloatBuffer(weights.values))
    return ImageClassifier(network)
  }

  /// The metadata key of the SHA-256 of the file that a model was imported from.
  package static let importKey = Recipe.importKey

  /// The bytes of a checkpoint that begins with weights from elsewhere: it can be looked at, evaluated and trained on with
  /// `train --from`.
  ///
  /// `source` is the file that they come from.
  package static func bytes(of weights: ModelWeights, recipe: Recipe, source: SHA256Digest) -> [UInt8] {
    let data = weights.values.withUnsafeBytes { Array($0) }
    var metadata = [
      "recipe": recipe.json(), "epoch": "0", "step": "0", importKey: source.description,
    ]
    if weights.inputShape != .mnist {
      metadata[Recipe.imageShapeKey] = "\(weights.inputShape.height)x\(weights.inputShape.width)"
    }
    if weights.classCount != SampleFormat.mnist.classCount {
      metadata[Recipe.classCountKey] = "\(weights.classCount)"
    }
    return CheckpointFile.bytes(
      of: CheckpointContents(
        tensors: descriptions(of: weights, prefix: recipe.evaluatedPrefix), metadata: metadata,
        data: data[...]))
  }

  private static func descriptions(of weights: ModelWeights, prefix: String) -> [TensorDescription] {
    weights.tensors.map { TensorDescription(name: "\(prefix).\($0.name)", shape: $0.shape) }
  }
}
