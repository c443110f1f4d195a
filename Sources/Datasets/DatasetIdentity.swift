package import Digests
package import Files

/// The identity of a dataset: a digest of its content that depends neither on compression, nor on file names,
/// nor on how many ranks computed it.
///
/// Each part is cut into chunks of 1,000 samples (the last may be shorter). A chunk's digest is SHA-256 over
/// its images' bytes, then its labels' (one byte each of up to 256 classes, else two, little-endian). The identity is SHA-256 over a header (a line of text; the numbers of
/// training samples, test samples, rows, columns, classes and samples per chunk, each as 8 little-endian
/// bytes), then the digests of all training chunks in order, then those of all test chunks.
package enum DatasetIdentity {
  /// Samples per chunk.
  package static let chunkSize = 1000

  /// The number of chunks that `count` samples make.
  package static func chunkCount(for count: Int) -> Int {
    (count + chunkSize - 1) / chunkSize
  }

  /// The samples of the chunks `chunks` in a part of `count` samples.
  package static func samples(ofChunks chunks: Range<Int>, among count: Int) -> Range<Int> {
    min(chunks.lowerBound * chunkSize, count)..<min(chunks.upperBound * chunkSize, count)
  }

  /// The digests of the chunks that `samples` consists of; its first sample must begin a chunk, and its last
  /// one must end a chunk or the part.
  package static func chunkDigests(
    of samples: LabelledImages, in format: SampleFormat
  ) -> [SHA256Digest] {
    let (pixels, width) = (format.shape.pixelCount, format.labelBytes)
    return samples.images.withUnsafeBytes { images in
      samples.storedLabels(width: width).withUnsafeBytes { labels in
        (0..<chunkCount(for: samples.count)).map { chunk in
          let range = Self.samples(ofChunks: chunk..<chunk + 1, among: samples.count)
          var hasher = SHA256Hasher()
          hasher.update(
            UnsafeRawBufferPointer(
              rebasing: images[range.lowerBound * pixels..<range.upperBound * pixels]))
          hasher.update(
            UnsafeRawBufferPointer(
              rebasing: labels[width * range.lowerBound..<width * range.upperBound]))
          return hasher.finish()
        }
      }
    }
  }

  /// The identity of a dataset from the digests of all its chunks, in order.
  package static func combine(
    trainCount: Int, testCount: Int, format: SampleFormat, train: [SHA256Digest], test: [SHA256Digest]
  ) -> SHA256Digest {
    precondition(
      train.count == chunkCount(for: trainCount) && test.count == chunkCount(for: testCount),
      "\(train.count) and \(test.count) chunks for \(trainCount) and \(testCount) samples")
    var hasher = SHA256Hasher()
    hasher.update(Array("lockstep dataset 1\n".utf8))
    let shape = format.shape
    for number in [trainCount, testCount, shape.height, shape.width, format.classCount, chunkSize] {
      withUnsafeBytes(of: UInt64(number).littleEndian) { hasher.update($0) }
    }
    for digest in train + test {
      hasher.update(digest.bytes)
    }
    return hasher.finish()
  }
}

extension Dataset {
  /// Reads everything, a chunk at a time, and digests it; what `DatasetIdentity` describes.
  ///
  /// - Throws: What `read` throws.
  package func identity() throws(FileError) -> SHA256Digest {
    var digests: [Split: [SHA256Digest]] = [:]
    for split in Split.allCases {
      try readInPieces(split, of: DatasetIdentity.chunkSize) { samples in
        digests[split, default: []] += DatasetIdentity.chunkDigests(of: samples, in: format)
      }
    }
    return DatasetIdentity.combine(
      trainCount: trainCount, testCount: testCount, format: format, train: digests[.train] ?? [],
      test: digests[.test] ?? [])
  }
}
