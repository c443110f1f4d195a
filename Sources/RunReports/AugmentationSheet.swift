package import Datasets
internal import Model
internal import Reports
package import Runs
internal import Tensors

/// What a recipe makes of training images, as one picture.
package enum AugmentationSheet {
  /// The epochs that are shown.
  private static let epochs = 10
  /// Pixels that a small image's side is magnified to, about.
  private static let side = 84

  /// A PNG file: each of `images` in a row of its own, first as it is and then as the recipe trains on it in its first ten
  /// epochs. They are the first training samples, since what becomes of an image is a function of its index.
  package static func png(of images: LabelledImages, recipe: Recipe) -> [UInt8] {
    let shape = Shape(images.rows, images.columns, 1)
    let factor = max(side / max(images.rows, images.columns), 1)
    let (tileHeight, tileWidth) = (images.rows * factor + 4, images.columns * factor + 4)
    let (height, width) = (images.count * tileHeight, (1 + epochs) * tileWidth)
    var sheet = [UInt8](repeating: 96, count: height * width)
    let plain = InputPreparation(shape: shape)
    let training = recipe.makeTrainingPreparation(of: shape)
    let input = FloatBuffer(count: shape.count)
    for index in 0..<images.count {
      let image = images.image(index)
      for column in 0...epochs {
        var values = input.mutableSpan
        if column == 0 {
          plain.prepare(image.span, into: &values)
        } else {
          training.prepare(image.span, sample: Int32(index), epoch: column - 1, into: &values)
        }
        let start = (index * tileHeight + 2) * width + column * tileWidth + 2
        for y in 0..<images.rows * factor {
          for x in 0..<images.columns * factor {
            sheet[start + y * width + x] = InputPreparation.pixel(
              input.pointer[y / factor * images.columns + x / factor])
          }
        }
      }
    }
    return PNGImage.grey(sheet, width: width, height: height)
  }
}
