/// Grey images and their labels.
package struct LabelledImages: Hashable, Sendable {
  /// The shape of each image.
  package let shape: ImageShape
  /// The pixels, [count, height, width], last dimension fastest; 0 is background, 255 is ink.
  package let images: [UInt8]
  /// The classes, [count].
  package let labels: [UInt16]

  /// Height of an image in pixels.
  package var rows: Int { shape.height }
  /// Width of an image in pixels.
  package var columns: Int { shape.width }
  /// The number of samples.
  package var count: Int { labels.count }

  /// The pixels of one image, [height, width].
  package func image(_ index: Int) -> [UInt8] {
    Array(images[index * shape.pixelCount..<(index + 1) * shape.pixelCount])
  }

  /// Puts together `labels.count` images and their labels.
  package init(images: [UInt8], labels: [UInt16], shape: ImageShape = .mnist) {
    precondition(
      images.count == labels.count * shape.pixelCount,
      "\(images.count) pixels for \(labels.count) images of \(shape)")
    self.shape = shape
    self.images = images
    self.labels = labels
  }

  /// The labels as files and digests have them: `width` bytes each, 1 or 2, little-endian.
  package func storedLabels(width: Int) -> [UInt8] {
    width == 1
      ? labels.map { UInt8($0) } : labels.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  }
}
