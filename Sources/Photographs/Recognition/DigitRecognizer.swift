internal import Datasets
internal import Model
internal import Runs
package import Training

/// Tells what pictures of 28 × 28 pixels show.
package protocol DigitRecognizer: AnyObject {
  /// The classes: digits 0...9 and, from a model that was trained for photographs, those of `ReadingClass`.
  var classCount: Int { get }

  /// The class probabilities of `count` images, [count, 28, 28], 0 background, 255 ink: [count, classCount].
  func probabilities(of images: [UInt8], count: Int) -> [Float]
}

/// A network that reads digits.
package final class NetworkRecognizer: DigitRecognizer {
  private let model: TrainedModel

  package var classCount: Int { model.classCount }

  /// - Throws: `RunError` with exit code 65 if the model, which `name` names, doesn't take 28 × 28 pixels, or its classes
  ///   are neither the ten digits nor those and `ReadingClass`.
  package init(_ model: TrainedModel, name: String) throws {
    let shape = model.format.shape
    let side = DigitPreparation.side
    guard shape.height == side, shape.width == side, [10, ReadingClass.classCount].contains(model.classCount)
    else {
      throw RunError(
        "\(name): reading photographs takes a model of \(side) × \(side) pixels and 10 or \(ReadingClass.classCount) classes, found "
          + "\(shape.height) × \(shape.width) and \(model.classCount)", exitCode: 65)
    }
    self.model = model
  }

  /// The recognizer of the checkpoint at `path`, or the one that comes with the program.
  ///
  /// - Throws: `RunError` if the file is missing, damaged or no model that reads digits.
  package static func opened(path: String?) throws -> NetworkRecognizer {
    let model = try path.map { try TrainedModel(path: $0) } ?? ReaderModel.trained()
    return try NetworkRecognizer(model, name: path ?? ReaderModel.name)
  }

  package func probabilities(of images: [UInt8], count: Int) -> [Float] {
    let labels = [UInt16](repeating: 0, count: count)
    let logits = model.logits(LabelledImages(images: images, labels: labels))
    let loss = SoftmaxCrossEntropy(classCount: classCount)
    return (0..<count).flatMap {
      loss.probabilities(logits.span.extracting($0 * classCount..<($0 + 1) * classCount))
    }
  }
}
