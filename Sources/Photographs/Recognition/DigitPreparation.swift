/// Makes of ink what MNIST would have made of it: fitted into 20 × 20 with its aspect kept, its centre of mass in the middle
/// of 28 × 28 (LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, section
/// III-A), and its strokes as wide as MNIST's are.
package struct DigitPreparation {
  /// Pixels of a prepared digit's side.
  package static let side = 28
  /// MNIST's digits fit into a box of this side.
  private static let box = 20
  /// Steps of the fine grid for each pixel of the box.
  private static let fineness = 3
  /// Room around the ink on the fine grid, for strokes that are made wider.
  private static let margin = 12
  private static let frame = box * fineness + 2 * margin
  /// How wide MNIST's strokes are, in pixels: four times the mean distance of its ink from the nearest edge.
  package static let strokeWidth: Float = 2.6

  private var map = DistanceMap(width: frame, height: frame)

  package init() {}

  /// Prepares ink of `width` × `height` pixels, where 0.5 and more is ink; nil if there is none.
  ///
  /// Strokes become `strokeWidth` pixels of the result wide; that is [28, 28], 0 background, 255 ink.
  package mutating func prepare(
    _ ink: [Float], width: Int, height: Int, strokeWidth: Float = DigitPreparation.strokeWidth
  ) -> [UInt8]? {
    guard let bounds = Self.bounds(ink, width, height) else { return nil }
    sample(ink, width, height, bounds)
    let stroke = map.strokeWidth
    guard stroke > 0 else { return nil }
    let wanted = strokeWidth * Float(Self.fineness)
    // Wider to any extent, thinner only so far that loops open and nothing breaks.
    let change = max(min((wanted - stroke) / 2, Float(Self.margin) - 3), -0.3 * stroke)
    return drawn(change)
  }

  private static func bounds(
    _ ink: [Float], _ width: Int, _ height: Int
  ) -> (left: Int, top: Int, right: Int, bottom: Int)? {
    var (left, top, right, bottom) = (width, height, 0, 0)
    for y in 0..<height {
      for x in 0..<width where ink[y * width + x] >= 0.5 {
        (left, top, right, bottom) = (min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1))
      }
    }
    return right > left ? (left, top, right, bottom) : nil
  }

  /// Brings the ink onto the fine grid, into its middle.
  private mutating func sample(
    _ ink: [Float], _ width: Int, _ height: Int, _ bounds: (left: Int, top: Int, right: Int, bottom: Int)
  ) {
    let size = max(bounds.right - bounds.left, bounds.bottom - bounds.top)
    // Source pixels per step.
    let step = Float(size) / Float(Self.box * Self.fineness)
    let centre = SIMD2(Float(bounds.left + bounds.right), Float(bounds.top + bounds.bottom)) / 2
    let half = Float(Self.frame) / 2
    let samples = max(1, min(Int(step.rounded(.up)), 4))
    map.measure { x, y in
      var value: Float = 0
      for j in 0..<samples {
        for i in 0..<samples {
          let offset = SIMD2(Float(i) + 0.5, Float(j) + 0.5) / Float(samples)
          let place = centre + (SIMD2(Float(x), Float(y)) + offset - half) * step - 0.5
          value += interpolated(ink, width, height, place)
        }
      }
      return value / Float(samples * samples)
    }
  }

  /// Draws what lies within `change` of the ink into 28 × 28.
  private func drawn(_ change: Float) -> [UInt8]? {
    let count = Self.frame
    var (left, top, right, bottom) = (count, count, 0, 0)
    var (mass, moment): (Float, SIMD2<Float>) = (0, .zero)
    for y in 0..<count {
      for x in 0..<count {
        let cover = map.cover(y * count + x, change: change)
        guard cover > 0 else { continue }
        mass += cover
        moment += SIMD2(Float(x) + 0.5, Float(y) + 0.5) * cover
        if cover >= 0.5 {
          (left, top, right, bottom) = (min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1))
        }
      }
    }
    guard right > left else { return nil }
    let centre = moment / mass
    let step = Float(max(right - left, bottom - top)) / Float(Self.box)
    var image = [UInt8](repeating: 0, count: Self.side * Self.side)
    let samples = 4
    for y in 0..<Self.side {
      for x in 0..<Self.side {
        var sum: Float = 0
        for j in 0..<samples {
          let sy = centre.y + (Float(y - Self.side / 2) + (Float(j) + 0.5) / Float(samples)) * step
          guard sy >= 0, Int(sy) < count else { continue }
          for i in 0..<samples {
            let sx = centre.x + (Float(x - Self.side / 2) + (Float(i) + 0.5) / Float(samples)) * step
            guard sx >= 0, Int(sx) < count else { continue }
            sum += map.cover(Int(sy) * count + Int(sx), change: change)
          }
        }
        image[y * Self.side + x] = UInt8(255 * sum / Float(samples * samples) + 0.5)
      }
    }
    return image
  }
}
