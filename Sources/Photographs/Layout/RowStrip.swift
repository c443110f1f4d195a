/// A row of a picture, turned level and brought to one height, so that what follows costs the same for every photograph.
struct RowStrip {
  /// The row's height here, in pixels.
  static let rowHeight: Float = 40
  /// Room above and below, in heights of the row.
  private static let margin: Float = 0.9

  let width: Int
  let height: Int
  /// Contrast, 0...255, [height, width].
  private(set) var contrast: Plane<UInt8>
  /// The component of each pixel, 0 for paper, [height, width].
  private(set) var labels: Plane<Int32>
  /// Pixels of the strip in one of the picture.
  let scale: Float
  private let origin: SIMD2<Float>
  private let along: SIMD2<Float>

  init(_ row: TextRow, ink: InkMap, components: Components) {
    let strokes = row.components.filter { Float($0.height) > 0.5 * row.height }.map(\.strokeWidth).sorted()
    let stroke = strokes.isEmpty ? 3 : strokes[strokes.count / 2]
    scale = Self.rowHeight / row.height
    let length = (1 + row.slope * row.slope).squareRoot()
    along = SIMD2(1, row.slope) / length
    let down = SIMD2(-along.y, along.x)
    // The corners of all pieces, in the row's own directions.
    let base = SIMD2(0, row.offset)
    var (least, most) = (SIMD2<Float>(repeating: .infinity), SIMD2<Float>(repeating: -.infinity))
    for piece in row.components {
      for x in [piece.left, piece.right] {
        for y in [piece.top, piece.bottom] {
          let d = SIMD2(Float(x), Float(y)) - base
          let place = SIMD2((d * along).sum(), (d * down).sum())
          least = least.replacing(with: place, where: place .< least)
          most = most.replacing(with: place, where: place .> most)
        }
      }
    }
    let limit = (0.5 + Self.margin) * row.height
    least = SIMD2(least.x - 4 / scale, max(least.y - 4 / scale, -limit))
    most = SIMD2(most.x + 4 / scale, min(most.y + 4 / scale, limit))
    width = max(1, Int(((most.x - least.x) * scale).rounded(.up)))
    height = max(1, Int(((most.y - least.y) * scale).rounded(.up)))
    origin = base + along * least.x + down * least.y
    contrast = Plane(width: width, height: height, repeating: 0)
    labels = Plane(width: width, height: height, repeating: 0)

    var isMember = [Bool](repeating: false, count: components.all.count + 1)
    for piece in row.components { isMember[Int(piece.label)] = true }
    let samples = min(max(Int((1 / scale).rounded(.up)), 1), 6)
    // Strokes that would be thinner than two pixels are kept whole instead of being averaged away.
    let keepsPeaks = stroke * scale < 2
    let step = 1 / (scale * Float(samples))
    for y in 0..<height {
      for x in 0..<width {
        let corner = origin + (along * Float(x) + down * Float(y)) / scale
        var (sum, peak, label): (Int, Int, Int32) = (0, 0, 0)
        for j in 0..<samples {
          for i in 0..<samples {
            let place = corner + (along * (Float(i) + 0.5) + down * (Float(j) + 0.5)) * step
            let (px, py) = (Int(place.x), Int(place.y))
            guard place.x >= 0, place.y >= 0, px < ink.contrast.width, py < ink.contrast.height else {
              continue
            }
            let index = py * ink.contrast.width + px
            let value =
              samples == 1 ? Self.interpolated(ink.contrast, place) : Int(ink.contrast.values[index])
            sum += value
            peak = max(peak, value)
            let owner = components.labels.values[index]
            if owner != 0, isMember[Int(owner)] { label = owner }
          }
        }
        contrast[x, y] = UInt8(keepsPeaks ? peak : sum / (samples * samples))
        labels[x, y] = label
      }
    }
  }

  private static func interpolated(_ plane: Plane<UInt8>, _ place: SIMD2<Float>) -> Int {
    let exact = place - 0.5
    let (x, y) = (max(Int(exact.x), 0), max(Int(exact.y), 0))
    let (u, v) = (max(exact.x - Float(x), 0), max(exact.y - Float(y), 0))
    let (x1, y1) = (min(x + 1, plane.width - 1), min(y + 1, plane.height - 1))
    let top = Float(plane[x, y]) * (1 - u) + Float(plane[x1, y]) * u
    let bottom = Float(plane[x, y1]) * (1 - u) + Float(plane[x1, y1]) * u
    return Int(top * (1 - v) + bottom * v + 0.5)
  }

  /// Where a point of the strip lies in the picture.
  func picturePoint(_ point: SIMD2<Float>) -> SIMD2<Float> {
    origin + (along * point.x + SIMD2(-along.y, along.x) * point.y) / scale
  }
}
