internal import Foundation

extension Recipe {
  /// The metadata key under which checkpoints hold their recipe.
  package static let metadataKey = "recipe"
  /// The metadata key of the SHA-256 of the file that a model was imported from; it is in no other checkpoint.
  package static let importKey = "importedFrom"
  /// The metadata key of the images' shape, `20x32`, where that is not MNIST's.
  package static let imageShapeKey = "imageShape"
  /// The metadata key of the number of classes, where that is not MNIST's.
  package static let classCountKey = "classCount"

  /// The recipe of the run that wrote a checkpoint with these metadata; `origin` is what errors call it.
  ///
  /// - Throws: `RunError` with exit code 65 if there is none, or none that can be used.
  package init(metadata: [String: String], origin: String) throws(RunError) {
    guard let text = metadata[Self.metadataKey] else {
      throw RunError("\(origin): expected the metadata 'recipe', found none", exitCode: 65)
    }
    do throws(RecipeError) {
      self = try Self.parse(Data(text.utf8), origin: origin)
    } catch {
      throw RunError(error.description, exitCode: 65)
    }
  }

  /// What the names of the tensors begin with that are such a run's model: with patience the best weights, else the
  /// averaged ones if there are any.
  package var evaluatedPrefix: String {
    if patience != nil { "best" } else { averaging == nil ? "parameters" : "ema" }
  }
}
