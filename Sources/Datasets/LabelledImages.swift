/// Grey images and their labels.
public struct LabelledImages: Hashable, Sendable {
  /// Height of an image in pixels.
  public let rows: Int
  /// Width of an image in pixels.
  public let columns: Int
  /// The pixels, [count, rows, columns], last dimension fastest; 0 is background, 255 is ink.
  public let images: [UInt8]
  /// The classes, [count].
  public let labels: [UInt8]

  /// The number of samples.
  public var count: Int { labels.count }

  /// The pixels of one image, [rows, columns].
  public func image(_ index: Int) -> [UInt8] {
    Array(images[index * rows * columns..<(index + 1) * rows * columns])
  }

  /// Puts together `labels.count` images and their labels.
  public init(images: [UInt8], labels: [UInt8], rows: Int = 28, columns: Int = 28) {
    precondition(
      images.count == labels.count * rows * columns,
      "\(images.count) pixels for \(labels.count) images of \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.images = images
    self.labels = labels
  }
}
