/// What all samples of a dataset have in common: a grey image of one shape, and a label that is a class.
package struct SampleFormat: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The most classes that a dataset may have.
  package static let mostClasses = 1000
  /// The most rows, and the most columns, that an image may have.
  package static let longestSide = 1024

  /// The shape of each image.
  package let shape: ImageShape
  /// The number of classes; labels are 0..<classCount.
  package let classCount: Int

  package init(shape: ImageShape, classCount: Int) {
    precondition((1...Self.mostClasses).contains(classCount), "\(classCount) classes")
    self.shape = shape
    self.classCount = classCount
  }

  /// The bytes of a stored label: one as far as that goes, which MNIST's digests rest on, else two, little-endian.
  package var labelBytes: Int { classCount <= 256 ? 1 : 2 }

  /// As in `images of 28 × 28 pixels in 10 classes`.
  package var description: String { "images of \(shape) pixels in \(grouped(classCount)) classes" }

  /// MNIST's: 28 × 28 pixels, ten digits.
  package static let mnist = SampleFormat(shape: .mnist, classCount: 10)
}
