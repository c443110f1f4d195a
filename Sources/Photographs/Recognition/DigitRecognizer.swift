package import Inference
internal import Model
internal import Runs

/// Tells what pictures of 28 × 28 pixels show.
package protocol DigitRecognizer: AnyObject {
  /// The classes: digits 0...9 and, from a model that was trained for photographs, those of `ReadingClass`.
  var classCount: Int { get }

  /// The class probabilities of `count` images, [count, 28, 28], 0 background, 255 ink: [count, classCount].
  func probabilities(of images: [UInt8], count: Int) -> [Float]
}

/// A network that reads digits.
package final class NetworkRecognizer: DigitRecognizer {
  private let classifier: ImageClassifier

  package var classCount: Int { classifier.classCount }

  /// - Throws: `RunError` with exit code 65 if the model, which `name` names, doesn't take 28 × 28 pixels, or its classes
  ///   are neither the ten digits nor those and `ReadingClass`.
  package init(_ model: StoredModel, name: String) throws {
    let (shape, classCount) = (model.weights.inputShape, model.weights.classCount)
    let side = DigitPreparation.side
    guard shape.height == side, shape.width == side,
      [ReadingClass.digitCount, ReadingClass.classCount].contains(classCount)
    else {
      throw RunError(
        "\(name): reading photographs takes a model of \(side) × \(side) pixels and \(ReadingClass.digitCount) or "
          + "\(ReadingClass.classCount) classes, found \(shape.height) × \(shape.width) and \(classCount)",
        exitCode: 65)
    }
    classifier = try model.classifier()
  }

  /// The recognizer of the checkpoint at `path`, or the one that comes with the program.
  ///
  /// - Throws: `RunError` if the file is missing, damaged or no model that reads digits.
  package static func opened(path: String?) throws -> NetworkRecognizer {
    try NetworkRecognizer(ReaderModel.opened(path: path), name: path ?? ReaderModel.name)
  }

  package func probabilities(of images: [UInt8], count: Int) -> [Float] {
    classifier.probabilities(of: images)
  }
}
