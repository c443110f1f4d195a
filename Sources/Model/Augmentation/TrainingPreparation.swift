/// Turns training images into a network's input: distorted where there is an augmentation, else shifted at most.
///
/// One serves one thread, as its augmenter does.
package struct TrainingPreparation {
  private let preparation: InputPreparation
  /// nil where images are shifted at most.
  private let augmenter: ImageAugmenter?

  /// - Parameters:
  ///   - augmentation: What distorts images; nil, or one that leaves them as they are, for none.
  ///   - shift: The largest shift, in whole pixels.
  ///   - seed: The run's.
  ///   - shape: The images', of one channel.
  package init(_ augmentation: Augmentation?, shift: Int, seed: UInt64, shape: Shape) {
    preparation = InputPreparation(shift: shift, seed: seed, shape: shape)
    augmenter = augmentation.flatMap { augmentation in
      augmentation.isIdentity ? nil : ImageAugmenter(augmentation, shift: shift, seed: seed, shape: shape)
    }
  }

  /// Writes one training image, [height, width], as (seed, epoch, sample) says.
  package func prepare(
    _ image: Span<UInt8>, sample: Int32, epoch: Int, into input: inout MutableSpan<Float>
  ) {
    if let augmenter {
      augmenter.prepareForTraining(image, sample: sample, epoch: epoch, into: &input)
    } else {
      preparation.prepareForTraining(image, sample: sample, epoch: epoch, into: &input)
    }
  }
}
