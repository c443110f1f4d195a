import Foundation
import Model
import Tensors
import Testing

/// Training images are distorted as their definition says.
@Suite struct AugmentationTests {
  private static let shapes = [Shape(28, 28, 1), Shape(20, 33, 1), Shape(9, 2, 1), Shape(1, 40, 1)]

  private func image(_ shape: Shape) -> [UInt8] {
    (0..<shape.count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 9) }
  }

  private func augmented(
    _ augmentation: Augmentation, shift: Int = 0, seed: UInt64 = 3, sample: Int32 = 17, epoch: Int = 5,
    of shape: Shape = .mnist
  ) -> [Float] {
    let augmenter = ImageAugmenter(augmentation, shift: shift, seed: seed, shape: shape)
    return augmented(augmenter, sample: sample, epoch: epoch, of: shape)
  }

  private func augmented(_ augmenter: ImageAugmenter, sample: Int32, epoch: Int, of shape: Shape) -> [Float] {
    var values = [Float](repeating: .nan, count: shape.count)
    var span = values.mutableSpan
    augmenter.prepareForTraining(image(shape).span, sample: sample, epoch: epoch, into: &span)
    return values
  }

  /// To the bit: whole pixels need no interpolation.
  @Test(arguments: shapes, [0, 1, 3]) func wholePixelsAreMovedAsWithoutAugmentation(
    shape: Shape, shift: Int
  ) {
    let preparation = InputPreparation(shift: shift, seed: 3, shape: shape)
    for epoch in 0..<6 {
      var expected = [Float](repeating: .nan, count: shape.count)
      var span = expected.mutableSpan
      preparation.prepareForTraining(image(shape).span, sample: 17, epoch: epoch, into: &span)
      #expect(augmented(Augmentation(), shift: shift, epoch: epoch, of: shape) == expected)
    }
  }

  private static let settings: [(Augmentation, Int)] = {
    let changes: [(inout Augmentation) -> Void] = [
      { $0.rotation = 40 }, { $0.scale = 0.4 }, { $0.aspect = 0.3 }, { $0.shear = 0.5 },
      { $0.translation = 3 },
      { $0.elastic = 1.5 }, { ($0.elastic, $0.elasticGrid) = (1, 3) },
      {
        ($0.rotation, $0.scale, $0.aspect, $0.shear, $0.translation, $0.elastic) = (
          12, 0.12, 0.08, 0.15, 2, 0.7
        )
      },
    ]
    var all = changes.map { change in
      var augmentation = Augmentation()
      change(&augmentation)
      return (augmentation, 0)
    }
    all.append((all[all.count - 1].0, 2))
    return all
  }()

  /// Against the definition in `Double`, written out pixel by pixel with the C library's functions.
  @Test(arguments: shapes.filter { $0.height > 1 }) func imagesAreThoseOfTheDefinition(shape: Shape) {
    for (augmentation, shift) in Self.settings {
      var moved = false
      for sample in [Int32(0), 1, 59_999] {
        let own = augmented(augmentation, shift: shift, sample: sample, epoch: 2, of: shape)
        let expected = Definition(augmentation, shift: shift, seed: 3, sample: sample, epoch: 2, shape: shape)
          .image(image(shape))
        let furthest = zip(own, expected).map { abs(Double($0) - $1) }.max() ?? 1
        #expect(furthest < 2e-3, "\(augmentation), sample \(sample)")
        moved = moved || own != augmented(Augmentation(), sample: sample, epoch: 2, of: shape)
      }
      #expect(moved, "\(augmentation) changes nothing")
    }
  }

  @Test func anImageIsAFunctionOfSeedEpochAndSample() {
    let augmentation = Self.settings[7].0
    let augmenter = ImageAugmenter(augmentation, seed: 3, shape: .mnist)
    let first = augmented(augmenter, sample: 17, epoch: 5, of: .mnist)
    _ = augmented(augmenter, sample: 18, epoch: 5, of: .mnist)
    #expect(augmented(augmenter, sample: 17, epoch: 5, of: .mnist) == first)
    #expect(augmented(augmentation) == first)
    #expect(augmented(augmentation, seed: 4) != first)
    #expect(augmented(augmentation, sample: 18) != first)
    #expect(augmented(augmentation, epoch: 6) != first)
  }

  /// As far as recipes may go, and there is nothing but the image and its background.
  @Test(arguments: shapes) func theLargestSettingsStayWithinTheImage(shape: Shape) {
    var augmentation = Augmentation()
    (augmentation.rotation, augmentation.scale, augmentation.aspect) = (180, 0.999_999, 0.999_999)
    (augmentation.shear, augmentation.translation) = (1, 1023)
    (augmentation.elastic, augmentation.elasticGrid) = (1024, 64)
    let (lowest, highest) = (InputPreparation.offset, 255 * InputPreparation.scale + InputPreparation.offset)
    for sample in Int32(0)..<50 {
      let values = augmented(augmentation, shift: 1, sample: sample, of: shape)
      #expect(values.allSatisfy { $0 >= lowest - 1e-5 && $0 <= highest + 1e-5 })
    }
  }
}

/// The definition of an augmented image (`ImageAugmenter`), by the shortest way.
private struct Definition {
  private let shape: Shape
  private let turn, scaleX, scaleY, shear, right, down: Double
  private let elastic: [Double]
  private let points: Int

  init(_ augmentation: Augmentation, shift: Int, seed: UInt64, sample: Int32, epoch: Int, shape: Shape) {
    self.shape = shape
    let generator = CounterGenerator(seed: seed, for: .augmentation, UInt64(epoch), UInt64(sample))
    func draw(_ index: UInt64, _ largest: Float) -> Double {
      (2 * generator.uniform(at: index) - 1) * Double(largest)
    }
    turn = draw(0, augmentation.rotation) * .pi / 180
    let (scale, aspect) = (1 + draw(1, augmentation.scale), 1 + draw(2, augmentation.aspect))
    (scaleX, scaleY) = (scale * aspect, scale / aspect)
    shear = draw(3, augmentation.shear)
    let shifts = CounterGenerator(seed: seed, for: .shift, UInt64(epoch), UInt64(sample))
    func whole(_ index: UInt64) -> Double {
      shift == 0 ? 0 : Double(shifts.below(2 * shift + 1, at: index) - shift)
    }
    right = draw(4, augmentation.translation) + whole(0)
    down = draw(5, augmentation.translation) + whole(1)
    points = augmentation.elasticGrid
    var nodes = [Float](repeating: 0, count: 2 * points * points)
    var span = nodes.mutableSpan
    CounterGenerator(seed: seed, for: .elasticDistortion, UInt64(epoch), UInt64(sample))
      .fillNormal(&span, standardDeviation: augmentation.elastic)
    elastic = nodes.map(Double.init)
  }

  func image(_ pixels: [UInt8]) -> [Double] {
    (0..<shape.count).map { index in
      let (y, x) = (index / shape.width, index % shape.width)
      let (middleX, middleY) = (Double(shape.width - 1) / 2, Double(shape.height - 1) / 2)
      // p − t, turned back, sheared back, scaled back, displaced.
      let (px, py) = (Double(x) - middleX - right, Double(y) - middleY - down)
      let (rx, ry) = (cos(turn) * px + sin(turn) * py, cos(turn) * py - sin(turn) * px)
      let u = (rx - shear * ry) / scaleX + middleX + displacement(0, y, x)
      let v = ry / scaleY + middleY + displacement(1, y, x)
      let (left, top) = (floor(u), floor(v))
      let (a, b) = (u - left, v - top)
      func at(_ row: Double, _ column: Double) -> Double {
        guard row >= 0, row < Double(shape.height), column >= 0, column < Double(shape.width) else {
          return (0 / 255 - 0.1307) / 0.3081
        }
        return (Double(pixels[Int(row) * shape.width + Int(column)]) / 255 - 0.1307) / 0.3081
      }
      return (1 - b) * ((1 - a) * at(top, left) + a * at(top, left + 1))
        + b * ((1 - a) * at(top + 1, left) + a * at(top + 1, left + 1))
    }
  }

  private func displacement(_ axis: Int, _ y: Int, _ x: Int) -> Double {
    func place(_ pixel: Int, _ count: Int) -> Double { Double(pixel * (points - 1)) / Double(count - 1) }
    let (v, u) = (place(y, shape.height), place(x, shape.width))
    var sum = 0.0
    for row in Int(floor(v)) - 1...Int(floor(v)) + 2 {
      for column in Int(floor(u)) - 1...Int(floor(u)) + 2 {
        let node = min(max(row, 0), points - 1) * points + min(max(column, 0), points - 1)
        sum += keys(v - Double(row)) * keys(u - Double(column)) * elastic[axis * points * points + node]
      }
    }
    return sum
  }

  /// Keys' cubic convolution with a = −½.
  private func keys(_ x: Double) -> Double {
    let s = abs(x)
    return s < 1 ? 1.5 * s * s * s - 2.5 * s * s + 1 : s < 2 ? -0.5 * s * s * s + 2.5 * s * s - 4 * s + 2 : 0
  }
}

@Suite struct PixelOffsetTests {
  @Test func copiesAreTheNearestAndMoveNothingOnTheWhole() {
    #expect(PixelOffset.nearest(1) == [.zero])
    #expect(
      Set(PixelOffset.nearest(5))
        == Set([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)].map { PixelOffset(right: $0.0, down: $0.1) }))
    for count in stride(from: 1, through: PixelOffset.most, by: 2) {
      let offsets = PixelOffset.nearest(count)
      #expect(offsets.count == count && Set(offsets).count == count && offsets[0] == .zero)
      #expect(offsets.map(\.right).reduce(0, +) == 0 && offsets.map(\.down).reduce(0, +) == 0)
      let lengths = offsets.map { $0.right * $0.right + $0.down * $0.down }
      #expect(lengths == lengths.sorted())
    }
  }

  /// Moved out of sight, an image is background.
  @Test func imagesMoveAnyDistance() {
    let shape = Shape(2, 3, 1)
    let pixels: [UInt8] = [10, 20, 30, 40, 50, 60]
    func moved(_ right: Int, _ down: Int) -> [UInt8] {
      var values = [Float](repeating: .nan, count: 6)
      var span = values.mutableSpan
      InputPreparation(shape: shape)
        .prepare(pixels.span, movedBy: PixelOffset(right: right, down: down), into: &span)
      return values.map { InputPreparation.pixel($0) }
    }
    #expect(moved(0, 0) == pixels)
    #expect(moved(1, 0) == [0, 10, 20, 0, 40, 50])
    #expect(moved(-2, 1) == [0, 0, 0, 30, 0, 0])
    for (right, down) in [(3, 0), (-3, 0), (9, 9), (-9, 0), (0, 2), (0, -5)] {
      #expect(moved(right, down) == [0, 0, 0, 0, 0, 0])
    }
  }
}
