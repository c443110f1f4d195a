internal import Datasets
internal import Model
package import Training

/// Tells what pictures of 28 × 28 pixels show.
package protocol DigitRecognizer: AnyObject {
  /// The classes: digits 0...9 and, if there are eleven, what is no digit.
  var classCount: Int { get }

  /// The class probabilities of `count` images, [count, 28, 28], 0 background, 255 ink: [count, classCount].
  func probabilities(of images: [UInt8], count: Int) -> [Float]
}

/// A network that reads digits.
package final class NetworkRecognizer: DigitRecognizer {
  private let model: TrainedModel

  package var classCount: Int { model.classCount }

  /// - Throws: `RunError` with exit code 65 if the model doesn't take 28 × 28 pixels or knows neither ten nor eleven
  ///   classes.
  package init(_ model: TrainedModel) throws {
    self.model = model
  }

  package func probabilities(of images: [UInt8], count: Int) -> [Float] {
    let labels = [UInt8](repeating: 0, count: count)
    let logits = model.logits(LabelledImages(images: images, labels: labels))
    let loss = SoftmaxCrossEntropy(classCount: classCount)
    return (0..<count).flatMap {
      loss.probabilities(logits.span.extracting($0 * classCount..<($0 + 1) * classCount))
    }
  }
}
