internal import Checkpoints
internal import Datasets
package import Digests
internal import Files
internal import Model
package import Runs
internal import Tensors

/// The model in a checkpoint, without what only training needs: the weights that the run evaluated.
package struct StoredModel: Sendable {
  /// The path it was read from.
  package let path: String
  /// The recipe that trained it, or that it would be trained on with.
  package let recipe: Recipe
  /// The network and its weights: the averaged ones if the recipe has averaging.
  package let weights: ModelWeights
  /// SHA-256 of the file's bytes.
  package let fileDigest: SHA256Digest

  /// Reads and verifies the checkpoint at `path`.
  ///
  /// - Throws: `FileError`, `RunError` or `NetworkSpecificationError` if the file is missing, damaged or no model.
  package init(path: String) throws {
    let (file, digest) = try CheckpointFile.readingWithDigest(path)
    let recipe = try Recipe(metadata: file.contents.metadata, origin: path)
    var input = Shape.mnist
    if let text = file.contents.metadata[Recipe.imageShapeKey] {
      guard let shape = ImageShape(parsing: text) else {
        throw FileError(
          .malformed,
          "\(path): expected the metadata '\(Recipe.imageShapeKey)' such as 20x32, found '\(text)'")
      }
      input = Shape(shape.height, shape.width, 1)
    }
    var weights = try ModelWeights(recipe.network, input: input)
    let values = FloatBuffer(count: weights.values.count)
    try file.restore(
      Self.descriptions(of: weights, prefix: recipe.evaluatedPrefix),
      into: [UnsafeMutableRawBufferPointer(values.elements)])
    weights.values = Array(values.elements)
    self.path = path
    self.recipe = recipe
    self.weights = weights
    fileDigest = digest
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
    if weights.classCount != 10 { metadata[Recipe.classCountKey] = "\(weights.classCount)" }
    return CheckpointFile.bytes(
      of: CheckpointContents(
        tensors: descriptions(of: weights, prefix: recipe.evaluatedPrefix), metadata: metadata,
        data: data[...]))
  }

  private static func descriptions(of weights: ModelWeights, prefix: String) -> [TensorDescription] {
    weights.tensors.map { TensorDescription(name: "\(prefix).\($0.name)", shape: $0.shape) }
  }
}
