package import Analysis
package import Datasets
internal import Runs
package import Training

extension TrainedModel {
  /// What this model makes of images.
  package func predictions(_ images: LabelledImages) -> Predictions {
    Predictions(labels: images.labels, logits: logits(images), classCount: classCount)
  }

  /// What it makes of the validation split of its own run; nil if it had none, or another dataset.
  ///
  /// - Throws: what reading the dataset throws.
  package func validationPredictions(_ dataset: Dataset) throws -> Predictions? {
    let count = recipe.validation
    guard count > 0, count < dataset.trainCount else { return nil }
    return predictions(try dataset.read(.train, dataset.trainCount - count..<dataset.trainCount))
  }
}
