package import Model

/// Settings that replace those of a recipe's augmentation; nil leaves what is there.
package struct AugmentationOverrides: Hashable, Sendable {
  /// Takes out what the recipe has; what is given below comes after.
  package var isReplaced = false
  package var rotation: Float?
  package var scale: Float?
  package var aspect: Float?
  package var shear: Float?
  package var translation: Float?
  package var elastic: Float?
  package var elasticGrid: Int?

  package init() {}

  /// An augmentation with these settings replaced; nil for none, or for one that leaves images as they are.
  func applied(to recipes: Augmentation?) -> Augmentation? {
    guard self != AugmentationOverrides() else { return recipes }
    var augmentation = (isReplaced ? nil : recipes) ?? Augmentation()
    if let rotation { augmentation.rotation = rotation }
    if let scale { augmentation.scale = scale }
    if let aspect { augmentation.aspect = aspect }
    if let shear { augmentation.shear = shear }
    if let translation { augmentation.translation = translation }
    if let elastic { augmentation.elastic = elastic }
    if let elasticGrid { augmentation.elasticGrid = elasticGrid }
    // A grid that nothing is displaced by is checked all the same: it may be a slip.
    return augmentation.isIdentity && elasticGrid == nil ? nil : augmentation
  }
}

extension Recipe {
  /// What makes the network's input of the training images of `shape`.
  package func makeTrainingPreparation(of shape: Shape) -> TrainingPreparation {
    TrainingPreparation(augmentation, shift: shift, seed: seed, shape: shape)
  }
}
