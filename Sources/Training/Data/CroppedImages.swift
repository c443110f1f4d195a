package import Datasets

/// Images and their labels as they are kept for training: of each image the smallest rectangle with all that is not
/// background. Of MNIST's that is 20 × 20 pixels of 28 × 28 at most.
package struct CroppedImages: Sendable {
  /// Where an image's ink lies.
  struct Frame: Hashable, Sendable {
    var top: UInt16 = 0
    var left: UInt16 = 0
    var height: UInt16 = 0
    var width: UInt16 = 0

    var pixelCount: Int { Int(height) * Int(width) }
  }

  /// What all images have in common.
  package let format: SampleFormat
  private(set) var labels: [UInt16] = []
  /// Each image's, [count].
  private(set) var frames: [Frame] = []
  /// What lies in the frames, row by row, image after image.
  private(set) var pixels: [UInt8] = []
  /// The pixels of the largest frame.
  package private(set) var longest = 0

  /// The number of samples.
  package var count: Int { labels.count }

  /// No samples yet.
  package init(format: SampleFormat) {
    self.format = format
  }

  /// All of `images`.
  package init(_ images: LabelledImages, format: SampleFormat) {
    self.init(format: format)
    append(images)
  }

  /// Adds samples behind those that are here.
  package mutating func append(_ images: LabelledImages) {
    precondition(images.count == 0 || images.shape == format.shape, "\(images.shape) for \(format)")
    labels += images.labels
    let (rows, columns) = (format.shape.height, format.shape.width)
    var ink = [UInt8](repeating: 0, count: columns)
    images.images.withUnsafeBufferPointer { all in
      guard let base = all.baseAddress else { return }
      for index in 0..<images.count {
        let image = base + index * rows * columns
        let frame = Self.frame(of: image, rows: rows, columns: columns, ink: &ink)
        frames.append(frame)
        longest = max(longest, frame.pixelCount)
        for y in Int(frame.top)..<Int(frame.top) + Int(frame.height) {
          pixels.append(
            contentsOf: UnsafeBufferPointer(
              start: image + y * columns + Int(frame.left), count: Int(frame.width)))
        }
      }
    }
  }

  /// `ink` is scratch of a row's length.
  private static func frame(
    of image: UnsafePointer<UInt8>, rows: Int, columns: Int, ink: inout [UInt8]
  ) -> Frame {
    var (first, end) = (0, rows * columns)
    while first < end, image[first] == 0 { first += 1 }
    while end > first, image[end - 1] == 0 { end -= 1 }
    guard first < end else { return Frame() }
    let (top, bottom) = (first / columns, (end - 1) / columns + 1)
    return ink.withUnsafeMutableBufferPointer { ink in
      ink.update(repeating: 0)
      for y in top..<bottom {
        let row = image + y * columns
        for x in 0..<columns { ink[x] |= row[x] }
      }
      let left = ink.firstIndex { $0 != 0 } ?? 0
      let right = (ink.lastIndex { $0 != 0 } ?? 0) + 1
      return Frame(
        top: UInt16(top), left: UInt16(left), height: UInt16(bottom - top), width: UInt16(right - left))
    }
  }

  /// The images as they were.
  package var uncropped: LabelledImages {
    let length = format.shape.pixelCount
    var images = [UInt8](repeating: 0, count: count * length)
    images.withUnsafeMutableBufferPointer { images in
      pixels.withUnsafeBufferPointer { pixels in
        guard let target = images.baseAddress, var source = pixels.baseAddress else { return }
        for (index, frame) in frames.enumerated() {
          frame.paste(source, into: target + index * length, columns: format.shape.width)
          source += frame.pixelCount
        }
      }
    }
    return LabelledImages(images: images, labels: labels, shape: format.shape)
  }
}

extension CroppedImages.Frame {
  /// Writes what lies in the frame to its place in an image of rows of `columns`, and leaves the rest of it alone.
  @inline(__always)
  func paste(_ source: UnsafePointer<UInt8>, into image: UnsafeMutablePointer<UInt8>, columns: Int) {
    let width = Int(width)
    var (from, to) = (
      UnsafeRawPointer(source), UnsafeMutableRawPointer(image + Int(top) * columns + Int(left))
    )
    for _ in 0..<Int(height) {
      if width >= 8 {
        // Eight bytes at a time, the last eight perhaps anew: a call of memcpy would take longer than the copy.
        var x = 0
        while x + 8 < width {
          to.storeBytes(
            of: from.loadUnaligned(fromByteOffset: x, as: UInt64.self), toByteOffset: x, as: UInt64.self)
          x += 8
        }
        let last = width - 8
        to.storeBytes(
          of: from.loadUnaligned(fromByteOffset: last, as: UInt64.self), toByteOffset: last, as: UInt64.self)
      } else {
        for x in 0..<width {
          to.storeBytes(of: from.load(fromByteOffset: x, as: UInt8.self), toByteOffset: x, as: UInt8.self)
        }
      }
      from += width
      to += columns
    }
  }
}
