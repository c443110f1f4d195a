import ArgumentParser
import Runs

/// The flags that distort training images.
struct AugmentationOptions: ParsableArguments {
  @Option(
    name: .customLong("augment-rotation"),
    help: ArgumentHelp("Rotate training images by up to this many degrees.", valueName: "degrees"))
  var rotation: Float?

  @Option(
    name: .customLong("augment-scale"),
    help: ArgumentHelp(
      "Scale training images by up to this part of their size, e.g. 0.1.", valueName: "part"))
  var scale: Float?

  @Option(
    name: .customLong("augment-aspect"),
    help: ArgumentHelp(
      "Change the width of training images over their height by up to this part.", valueName: "part"))
  var aspect: Float?

  @Option(
    name: .customLong("augment-shear"),
    help: ArgumentHelp(
      "Shear training images by up to this many pixels sideways for each one down.", valueName: "pixels"))
  var shear: Float?

  @Option(
    name: .customLong("augment-translation"),
    help: ArgumentHelp(
      "Move training images by up to this many pixels, whole or not, both ways.", valueName: "pixels"))
  var translation: Float?

  @Option(
    name: .customLong("augment-elastic"),
    help: ArgumentHelp(
      "Distort training images elastically, by displacements of this standard deviation.", valueName: "pixels"
    ))
  var elastic: Float?

  @Option(
    name: .customLong("augment-elastic-grid"),
    help: ArgumentHelp(
      "Points along each side of the grid whose displacements are drawn; between them they are bicubic.",
      discussion: "Default: 6.", valueName: "points"))
  var elasticGrid: Int?

  @Flag(name: .customLong("no-augmentation"), help: "Leave out the recipe's augmentation, but for its shift.")
  var isReplaced = false

  var overrides: AugmentationOverrides {
    var overrides = AugmentationOverrides()
    overrides.isReplaced = isReplaced
    overrides.rotation = rotation
    overrides.scale = scale
    overrides.aspect = aspect
    overrides.shear = shear
    overrides.translation = translation
    overrides.elastic = elastic
    overrides.elasticGrid = elasticGrid
    return overrides
  }
}
