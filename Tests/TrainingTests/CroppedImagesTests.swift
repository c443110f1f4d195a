import Collectives
import Datasets
import Tensors
import Testing
import Training

/// Images without their margins: nothing is lost, and they travel as they are.
@Suite struct CroppedImagesTests {
  /// Blots anywhere, of any size, some images empty and some full, with holes in them.
  private static func images(_ count: Int, _ shape: ImageShape, seed: UInt64 = 1) -> LabelledImages {
    let generator = CounterGenerator(seed: seed, for: .test)
    var next: UInt64 = 0
    func below(_ bound: Int) -> Int {
      defer { next += 1 }
      return generator.below(bound, at: next)
    }
    var images = [UInt8](repeating: 0, count: count * shape.pixelCount)
    for index in 1..<count {
      let (top, left) = (index == 1 ? 0 : below(shape.height), index == 1 ? 0 : below(shape.width))
      let (bottom, right) =
        index == 1
        ? (shape.height, shape.width)
        : (top + 1 + below(shape.height - top), left + 1 + below(shape.width - left))
      for y in top..<bottom {
        for x in left..<right where below(3) > 0 {
          images[index * shape.pixelCount + y * shape.width + x] = UInt8(1 + below(255))
        }
      }
    }
    return LabelledImages(images: images, labels: (0..<count).map { UInt16($0 % 10) }, shape: shape)
  }

  @Test(arguments: [(28, 28), (3, 5), (1, 8), (40, 9), (16, 64)])
  func imagesComeBackAsTheyWere(_ height: Int, _ width: Int) {
    let shape = ImageShape(height: height, width: width)
    let images = Self.images(60, shape)
    let format = SampleFormat(shape: shape, classCount: 10)
    // In pieces, as files are read.
    var cropped = CroppedImages(format: format)
    for start in stride(from: 0, to: 60, by: 25) {
      let range = start..<min(start + 25, 60)
      cropped.append(
        LabelledImages(
          images: range.flatMap { images.image($0) }, labels: range.map { images.labels[$0] }, shape: shape))
    }
    #expect(cropped.uncropped == images)
    let shard = Shard(cropped, first: 0, of: 60, longest: cropped.longest)
    for index in 0..<60 {
      let image = shard.image(of: Int32(index))
      #expect(image.indices.map { image[$0] } == images.image(index))
      #expect(shard.label(of: Int32(index)) == images.labels[index])
    }
  }

  /// No more is kept than the largest frame takes.
  @Test func marginsAreLeftOut() {
    var image = [UInt8](repeating: 0, count: 784)
    for (row, column) in [(4, 9), (23, 10), (11, 22)] { image[28 * row + column] = 1 }
    let cropped = CroppedImages(LabelledImages(images: image, labels: [3]), format: .mnist)
    #expect(cropped.longest == 20 * 14)
    #expect(
      ShardMemory.byteCount(capacity: 60_000, longest: cropped.longest)
        < ShardMemory.byteCount(capacity: 60_000, longest: 784) * 2 / 5)
  }

  /// Ranks whose own frames are of different sizes exchange them, in memory for the largest of all.
  @Test(arguments: [1, 3]) func cropsTravel(_ worldSize: Int) throws {
    let images = Self.images(41, .mnist)
    let wrong = try InProcessWorld(size: worldSize).run { communicator in
      let ranges = (0..<worldSize).map { 41 * $0 / worldSize..<41 * ($0 + 1) / worldSize }
      let mine = ranges[communicator.rank]
      let own = CroppedImages(
        LabelledImages(images: mine.flatMap { images.image($0) }, labels: mine.map { images.labels[$0] }),
        format: .mnist)
      let longest = CroppedImages(images, format: .mnist).longest
      let shard = Shard(own, first: mine.lowerBound, of: 41, longest: longest)
      let plan = StepPlan(sampleCount: 41, globalBatch: 16, microBatch: 2, dropsLastBatch: true)
      let old = Placement(ranges: ranges, totalSamples: 41)
      let next = Placement(
        plan, LeafDivision(worldSize: worldSize), order: (0..<41).map { Int32($0 * 7 % 41) }, old: old)
      try shard.deal(from: old, to: next, over: communicator)
      return shard.samples.filter { sample in
        let image = shard.image(of: sample)
        return image.indices.map { image[$0] } != images.image(Int(sample))
      }.count
    }
    #expect(wrong.allSatisfy { $0 == 0 }, "\(wrong)")
  }
}
