internal import Collectives
internal import Datasets

/// All samples of a dataset's part, in order, in memory that the ranks of a node have in common where they can: whatever
/// ranks train a trial find their shares here.
final class SampleLibrary {
  let count: Int
  private let format: SampleFormat
  /// Pixels, [count, height, width], then labels, [count] of two bytes.
  private let base: UnsafeMutableRawPointer
  private let isOwned: Bool

  /// Memory for `count` samples in what `group` shares, `byteCount` of it, or of this rank's own.
  init(count: Int, format: SampleFormat, group: NodeGroup) {
    self.count = count
    self.format = format
    let byteCount = Self.byteCount(count: count, format: format)
    let shared = group.take(byteCount: byteCount)
    isOwned = shared == nil
    base = shared ?? .allocate(byteCount: max(byteCount, 1), alignment: 64)
  }

  deinit {
    if isOwned { base.deallocate() }
  }

  /// The bytes that so many samples take.
  static func byteCount(count: Int, format: SampleFormat) -> Int {
    count * (format.shape.pixelCount + MemoryLayout<UInt16>.stride)
  }

  /// Fills it with what each rank has read: contiguous runs of samples, `ranges[rank]` of each, this rank's in `own`. Called
  /// by all ranks; complete once all ranks of the node have returned.
  func fill(
    from own: LabelledImages, ranges: [Range<Int>], group: NodeGroup, over communicator: any Communicator
  ) throws(CommunicatorError) {
    let (pixels, width) = (format.shape.pixelCount, MemoryLayout<UInt16>.stride)
    for (rank, range) in ranges.enumerated() where !range.isEmpty {
      let (imageBytes, labelBytes) = (range.count * pixels, range.count * width)
      // One rank of a node receives into memory that all of it see; what the others receive is dropped.
      let keeps = isOwned || group.isLeader
      let scratch = keeps ? nil : UnsafeMutableRawPointer.allocate(byteCount: imageBytes, alignment: 64)
      defer { scratch?.deallocate() }
      let images = scratch ?? base + range.lowerBound * pixels
      let labels = scratch ?? base + count * pixels + range.lowerBound * width
      if rank == communicator.rank {
        own.images.withUnsafeBytes { source in
          if let source = source.baseAddress { images.copyMemory(from: source, byteCount: imageBytes) }
        }
      }
      var span = MutableRawSpan(_unsafeStart: images, byteCount: imageBytes)
      try communicator.broadcast(&span, from: rank)
      if rank == communicator.rank {
        own.labels.withUnsafeBytes { source in
          if let source = source.baseAddress { labels.copyMemory(from: source, byteCount: labelBytes) }
        }
      }
      span = MutableRawSpan(_unsafeStart: labels, byteCount: labelBytes)
      try communicator.broadcast(&span, from: rank)
    }
  }

  /// Copies of some samples.
  func samples(_ range: Range<Int>) -> LabelledImages {
    let pixels = format.shape.pixelCount
    let images = UnsafeRawBufferPointer(start: base + range.lowerBound * pixels, count: range.count * pixels)
    let labels = UnsafeRawBufferPointer(
      start: base + count * pixels + range.lowerBound * MemoryLayout<UInt16>.stride,
      count: range.count * MemoryLayout<UInt16>.stride)
    return LabelledImages(
      images: Array(images),
      labels: range.indices.map {
        labels.loadUnaligned(fromByteOffset: 2 * ($0 - range.lowerBound), as: UInt16.self)
      },
      shape: format.shape)
  }
}
