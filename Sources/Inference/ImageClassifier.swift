package import Model
internal import Tensors

/// A network with its weights that looks at images, a micro-batch at a time. It serves one thread at a time.
package final class ImageClassifier {
  private let network: Network
  /// Makes the network's input of pixels.
  package let preparation: InputPreparation

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
    let pixels = network.inputShape.count
    precondition(images.count.isMultiple(of: pixels), "\(images.count) pixels for \(network.inputShape)")
    let total = images.count / pixels
    var all: [Float] = []
    all.reserveCapacity(total * classCount)
    forEachLogits(count: total) { index, input in
      preparation.prepare(images.span.extracting(index * pixels..<(index + 1) * pixels), into: &input)
    } logits: { _, logits in
      for index in logits.indices { all.append(logits[index]) }
    }
    return all
  }

  /// Looks at `total` images, in micro-batches counted from the first.
  ///
  /// - Parameters:
  ///   - total: How many images there are.
  ///   - prepare: Puts an image into its place of the network's input, by `preparation`.
  ///   - body: Is given each image's logits, [classCount].
  package func forEachLogits(
    count total: Int, prepare: (_ index: Int, _ input: inout MutableSpan<Float>) -> Void,
    logits body: (_ index: Int, _ logits: Span<Float>) -> Void
  ) {
    let (network, pixels, classes) = (network, network.inputShape.count, classCount)
    for start in stride(from: 0, to: total, by: network.capacity) {
      let count = min(network.capacity, total - start)
      let buffer = network.input
      var places = buffer.mutableSpan
      for index in 0..<count {
        var input = places._mutatingExtracting(index * pixels..<(index + 1) * pixels)
        prepare(start + index, &input)
      }
      network.forward(count: count)
      for index in 0..<count {
        body(start + index, network.logits.extracting(index * classes..<(index + 1) * classes))
      }
    }
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
