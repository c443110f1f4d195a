internal import Digests
internal import Files
internal import Inference
internal import Model

/// A trained model that recognises digits.
///
/// It is read from a checkpoint of Lockstep's: a run's `final.safetensors`, one of its checkpoints, or what
/// `lockstep import` wrote. Reading verifies the file.
///
/// ```swift
/// let model = try DigitModel(path: "runs/quick/final.safetensors")
/// let prediction = try model.predict(pixels)
/// print(prediction.digit, prediction.probability)
/// ```
///
/// Images are ``pixelCount`` bytes, row by row from the top, 0 for background and 255 for full ink, as MNIST has them.
/// The results have the same bits on every x86-64 processor. A model serves one thread at a time.
public final class DigitModel {
  /// The rows of an image.
  public static let rows = Shape.mnist.height
  /// The columns of an image.
  public static let columns = Shape.mnist.width
  /// The pixels of an image: rows times columns.
  public static let pixelCount = Shape.mnist.count
  /// The number of classes: one for each digit.
  public static let classCount = 10

  /// The network as text, e.g. `conv 16x5 stride 2; relu; …; dense 10`.
  public let network: String
  /// SHA-256 of the model's file, 64 hexadecimal digits: a run's `result.json` has it as `checkpointDigest`.
  public let fileDigest: String

  private let classifier: ImageClassifier

  /// Reads and verifies the model at `path`.
  ///
  /// - Parameter path: A checkpoint of Lockstep's.
  /// - Throws: ``DigitModelError`` if the file is missing, damaged or no model.
  public init(path: String) throws(DigitModelError) {
    do {
      let stored = try StoredModel(path: path)
      network = stored.weights.network.description
      fileDigest = stored.fileDigest.description
      let (input, classes) = (stored.weights.inputShape, stored.weights.classCount)
      guard input == .mnist, classes == Self.classCount else {
        throw DigitModelError(
          description: "\(path): expected a model of 28 × 28 pixels and ten digits, found one of "
            + "\(input.height) × \(input.width) pixels and \(classes) classes")
      }
      classifier = try stored.classifier()
    } catch {
      if let error = error as? DigitModelError { throw error }
      throw DigitModelError(description: (error as? any ReportedError)?.description ?? "\(path): \(error)")
    }
  }

  /// The digit that an image most probably shows.
  ///
  /// - Parameter pixels: One image of ``pixelCount`` bytes.
  /// - Returns: The digit, and how probable all of them are.
  /// - Throws: ``DigitModelError`` for another number of pixels.
  public func predict(_ pixels: [UInt8]) throws(DigitModelError) -> DigitPrediction {
    DigitPrediction(probabilities: try probabilities(of: pixels))
  }

  /// How probable each digit is for an image.
  ///
  /// - Parameter pixels: One image of ``pixelCount`` bytes.
  /// - Returns: ``classCount`` numbers that add up to 1, by digit.
  /// - Throws: ``DigitModelError`` for another number of pixels.
  public func probabilities(of pixels: [UInt8]) throws(DigitModelError) -> [Float] {
    try logits(of: pixels).withUnsafeBufferPointer { logits in
      SoftmaxCrossEntropy(classCount: Self.classCount).probabilities(logits.span)
    }
  }

  /// The logits of an image.
  ///
  /// - Parameter pixels: One image of ``pixelCount`` bytes.
  /// - Returns: ``classCount`` unnormalised scores, by digit, whose softmax are the probabilities.
  /// - Throws: ``DigitModelError`` for another number of pixels.
  public func logits(of pixels: [UInt8]) throws(DigitModelError) -> [Float] {
    try logits(ofImages: pixels, count: 1)
  }

  /// The predictions for many images.
  ///
  /// - Parameter pixels: The images, one behind the other: a multiple of ``pixelCount`` bytes.
  /// - Returns: One prediction for each image, in their order.
  /// - Throws: ``DigitModelError`` for a number of bytes that is no whole number of images.
  public func predictAll(_ pixels: [UInt8]) throws(DigitModelError) -> [DigitPrediction] {
    let count = pixels.count / Self.pixelCount
    let logits = try logits(ofImages: pixels, count: count)
    let softmax = SoftmaxCrossEntropy(classCount: Self.classCount)
    return (0..<count).map { index in
      let row = Array(logits[index * Self.classCount..<(index + 1) * Self.classCount])
      return DigitPrediction(probabilities: softmax.probabilities(row.span))
    }
  }

  private func logits(ofImages pixels: [UInt8], count: Int) throws(DigitModelError) -> [Float] {
    guard pixels.count == count * Self.pixelCount else {
      throw DigitModelError(
        description:
          "expected images of \(Self.rows) × \(Self.columns) pixels, a byte each, found \(pixels.count) bytes"
      )
    }
    return classifier.logits(of: pixels)
  }
}

/// What a model makes of an image.
public struct DigitPrediction: Hashable, Sendable {
  /// How probable each digit is, by digit; they add up to 1.
  public let probabilities: [Float]

  /// The most probable digit, the smallest of equals.
  public var digit: Int { SoftmaxCrossEntropy.largest(probabilities.span) }
  /// How probable that digit is.
  public var probability: Float { probabilities[digit] }
}

/// Why a model cannot be read, or takes no such image.
public struct DigitModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence: what, where, expected, found.
  public let description: String
}
