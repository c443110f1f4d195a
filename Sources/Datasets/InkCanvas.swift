/// A canvas of an image's shape that remembers for each pixel how deep it lies inside the ink, in pixels: the greatest
/// (radius − distance) over all segments drawn. Positive inside, negative outside.
struct InkCanvas: ~Copyable {
  private typealias Lane = SIMD8<Float>

  private static let shape = SyntheticDigits.format.shape
  /// Its middle (x, y), in pixels.
  static let centre = SIMD2(Float(shape.width), Float(shape.height)) / 2
  /// Rows are filled up in memory to whole lanes, which are not shown.
  private static let lanesPerRow = (shape.width + 7) / 8
  /// Pixels farther from the ink than this stay background, whatever the softness.
  private static let margin: Float = 1
  private static let ramp = Lane(0, 1, 2, 3, 4, 5, 6, 7)

  private let depth: UnsafeMutablePointer<Lane>

  init() {
    depth = .allocate(capacity: Self.shape.height * Self.lanesPerRow)
    clear()
  }

  deinit {
    depth.deallocate()
  }

  /// Wipes the canvas.
  func clear() {
    depth.update(repeating: Lane(repeating: -1000), count: Self.shape.height * Self.lanesPerRow)
  }

  /// Draws a straight line from `a` to `b` (x, y in pixels; pixel i covers i ..< i + 1) with a round pen
  /// whose radius goes from `radiusA` to `radiusB`.
  func addSegment(_ a: SIMD2<Float>, _ radiusA: Float, _ b: SIMD2<Float>, _ radiusB: Float) {
    let reach = max(radiusA, radiusB) + Self.margin + 0.5
    let firstRow = clampedIndex(min(a.y, b.y) - reach, Self.shape.height)
    let lastRow = clampedIndex(max(a.y, b.y) + reach, Self.shape.height)
    let firstLane = clampedIndex(min(a.x, b.x) - reach, Self.shape.width) / 8
    let lastLane = clampedIndex(max(a.x, b.x) + reach, Self.shape.width) / 8
    let direction = b - a
    let square = direction.x * direction.x + direction.y * direction.y
    let inverse: Float = square > 1e-12 ? 1 / square : 0
    let zero = Lane(repeating: 0)
    let one = Lane(repeating: 1)
    for lane in firstLane...lastLane {
      let dx = Self.ramp + (Float(8 * lane) + 0.5 - a.x)
      let along = dx * (direction.x * inverse)
      for row in firstRow...lastRow {
        let dy = Float(row) + 0.5 - a.y
        // t: where on the segment the nearest point lies.
        var t = along + dy * direction.y * inverse
        t.replace(with: zero, where: t .< zero)
        t.replace(with: one, where: t .> one)
        let qx = dx - t * direction.x
        let qy = dy - t * direction.y
        let value = radiusA + t * (radiusB - radiusA) - (qx * qx + qy * qy).squareRoot()
        let place = row * Self.lanesPerRow + lane
        let old = depth[place]
        depth[place] = old.replacing(with: value, where: value .> old)
      }
    }
  }

  /// Turns depth into grey: from 0 to `ink` · 255 over an edge `softness` pixels wide.
  func develop(softness: Float, ink: Float, into image: UnsafeMutableBufferPointer<UInt8>) {
    let zero = Lane(repeating: 0)
    let one = Lane(repeating: 1)
    let slope = 1 / softness
    for row in 0..<Self.shape.height {
      for lane in 0..<Self.lanesPerRow {
        var value = depth[row * Self.lanesPerRow + lane] * slope + 0.5
        value.replace(with: zero, where: value .< zero)
        value.replace(with: one, where: value .> one)
        let grey = SIMD8<UInt8>(truncatingIfNeeded: SIMD8<Int32>(value * (255 * ink) + 0.5))
        let start = row * Self.shape.width + lane * 8
        let shown = min(8, Self.shape.width - lane * 8)
        for i in 0..<shown {
          image[start + i] = grey[i]
        }
      }
    }
  }

  /// The row or column, among `count`, that is nearest to a coordinate.
  private func clampedIndex(_ coordinate: Float, _ count: Int) -> Int {
    Int(min(max(coordinate, 0), Float(count - 1)))
  }
}
