package import Model
internal import Tensors

/// A network with its weights that looks at images, a micro-batch at a time. It serves one thread at a time.
package final class ImageClassifier {
  private let network: Network
  private let preparation: InputPreparation

  /// The shape of an image.
  package var inputShape: Shape { network.inputShape }
  package var classCount: Int { network.classCount }

  /// - Parameter network: What looks; its parameters are prepared.
  package init(_ network: Network) {
    self.network = network
    preparation = InputPreparation(shape: network.inputShape)
  }

  /// The logits of images: those that evaluation sees, to the bit, if the images begin at a multiple of the network's
  /// micro-batch.
  ///
  /// - Parameter images: [count, height, width], 0 background, 255 ink.
  /// - Returns: [count, classCount].
  /// - Precondition: they are whole images.
  package func logits(of images: [UInt8]) -> [Float] {
    let (network, pixels) = (network, network.inputShape.count)
    precondition(images.count.isMultiple(of: pixels), "\(images.count) pixels for \(network.inputShape)")
    let total = images.count / pixels
    var logits: [Float] = []
    logits.reserveCapacity(total * classCount)
    let (all, buffer) = (images.span, network.input)
    for start in stride(from: 0, to: total, by: network.capacity) {
      let count = min(network.capacity, total - start)
      var places = buffer.mutableSpan
      for index in 0..<count {
        var input = places._mutatingExtracting(index * pixels..<(index + 1) * pixels)
        preparation.prepare(
          all.extracting((start + index) * pixels..<(start + index + 1) * pixels), into: &input)
      }
      network.forward(count: count)
      let rows = network.logits
      for index in rows.indices { logits.append(rows[index]) }
    }
    return logits
  }

  /// The class probabilities of images.
  ///
  /// - Parameter images: [count, height, width], 0 background, 255 ink.
  /// - Returns: [count, classCount]; each image's add up to 1.
  /// - Precondition: they are whole images.
  package func probabilities(of images: [UInt8]) -> [Float] {
    let (logits, classCount) = (logits(of: images), classCount)
    let softmax = SoftmaxCrossEntropy(classCount: classCount)
    return stride(from: 0, to: logits.count, by: classCount).flatMap {
      softmax.probabilities(logits.span.extracting($0..<$0 + classCount))
    }
  }
}
