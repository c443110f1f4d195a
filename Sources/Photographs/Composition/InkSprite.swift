internal import Datasets

/// Something written, on a grid of its own: how much of each pixel ink covers, 0...1.
struct InkSprite {
  var width: Int
  var height: Int
  /// [height, width].
  var cover: [Float]

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    cover = [Float](repeating: 0, count: width * height)
  }

  /// Cut to what has ink, with `border` pixels around it; nil without ink.
  func trimmed(border: Int = 1) -> InkSprite? {
    var (left, top, right, bottom) = (width, height, 0, 0)
    for y in 0..<height {
      for x in 0..<width where cover[y * width + x] >= 0.5 {
        (left, top, right, bottom) = (min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1))
      }
    }
    guard right > left else { return nil }
    var result = InkSprite(width: right - left + 2 * border, height: bottom - top + 2 * border)
    result.add(self, x: border - left, y: border - top)
    return result
  }

  /// Lays another's ink over this one's, its upper left corner at (x, y); what reaches over the edges is cut.
  mutating func add(_ other: InkSprite, x: Int, y: Int) {
    for row in max(0, -y)..<max(min(other.height, height - y), max(0, -y)) {
      for column in max(0, -x)..<max(min(other.width, width - x), max(0, -x)) {
        let i = (y + row) * width + x + column
        cover[i] = max(cover[i], other.cover[row * other.width + column])
      }
    }
  }
}

/// A small change of shape: turned, slanted, stretched, and bent here and there.
struct Warp {
  /// From a point of the result, relative to its middle, to one of the original.
  private let right: SIMD2<Float>
  private let down: SIMD2<Float>
  private static let gridSide = 6
  /// Displacements, in the original's pixels, [gridSide, gridSide].
  private let grid: [SIMD2<Float>]

  /// A random one: `strength` 1 is what handwriting does, 0 leaves all as it is; `turn` is the greatest angle, as the
  /// tangent of its half.
  init(_ draws: inout Draws, strength: Float, turn: Float) {
    let half = draws.between(-turn, turn) * strength
    let cosine = (1 - half * half) / (1 + half * half)
    let sine = 2 * half / (1 + half * half)
    let aspect = 1 + draws.between(-0.14, 0.14) * strength
    let slant = draws.between(-0.2, 0.2) * strength
    right = SIMD2(cosine * aspect, sine * aspect)
    down = SIMD2(-sine + slant * cosine, cosine + slant * sine) / aspect
    let bend = 0.65 * strength
    grid = (0..<Self.gridSide * Self.gridSide).map { _ in SIMD2(draws.normal(), draws.normal()) * bend }
  }

  /// Where in the original, [side, side], the point of the result is taken from.
  func source(of point: SIMD2<Float>, side: Float) -> SIMD2<Float> {
    let centre = point - side / 2
    let place = right * centre.x + down * centre.y + side / 2
    let last = Float(Self.gridSide - 1)
    let u = (point / side * last).clamped(lowerBound: .zero, upperBound: SIMD2(repeating: last - 0.001))
    let (i, j) = (Int(u.x), Int(u.y))
    let f = u - SIMD2(Float(i), Float(j))
    func at(_ i: Int, _ j: Int) -> SIMD2<Float> { grid[j * Self.gridSide + i] }
    let top = at(i, j) * (1 - f.x) + at(i + 1, j) * f.x
    let bottom = at(i, j + 1) * (1 - f.x) + at(i + 1, j + 1) * f.x
    return place + top * (1 - f.y) + bottom * f.y
  }
}

extension InkSprite {
  /// A digit of MNIST's form, [28, 28], drawn `height` pixels high (for one that fills MNIST's box), its strokes
  /// `stroke` times as wide.
  init?(digit: [UInt8], height: Float, warp: Warp?, stroke: Float) {
    let side = Float(DigitPreparation.side)
    let scale = height / 20
    let size = Int((side * scale).rounded(.up))
    let ink = digit.map { Float($0) / 255 }
    var map = DistanceMap(width: size, height: size)
    map.measure { x, y in
      let point = SIMD2(Float(x) + 0.5, Float(y) + 0.5) / scale
      let source = warp?.source(of: point, side: side) ?? point
      return interpolated(ink, DigitPreparation.side, DigitPreparation.side, source - 0.5)
    }
    let width = map.strokeWidth
    let change = max((stroke - 1) * width / 2, -0.2 * width)
    self.init(width: size, height: size)
    for i in cover.indices { cover[i] = map.cover(i, change: change) }
    guard let trimmed = trimmed() else { return nil }
    self = trimmed
  }

  /// Strokes through points (x, y in pixels), each as smooth curves (Catmull, Rom, "A class of local interpolating
  /// splines", 1974), by a pen of `radius` pixels.
  init?(strokes: [[SIMD2<Float>]], radius: Float) {
    let all = strokes.flatMap { $0 }
    guard let first = all.first else { return nil }
    var (least, most) = (first, first)
    for point in all {
      least = least.replacing(with: point, where: point .< least)
      most = most.replacing(with: point, where: point .> most)
    }
    // Curves swing out a little beyond their points.
    let room = SIMD2(repeating: radius + 3) + 0.15 * (most - least)
    least -= room
    most += room
    let size = most - least
    guard size.x < 4000, size.y < 4000 else { return nil }
    self.init(width: Int(size.x) + 1, height: Int(size.y) + 1)
    for stroke in strokes {
      let points = Self.curve(stroke.map { $0 - least })
      for (a, b) in zip(points, points.dropFirst()) { addSegment(a, b, radius) }
      if points.count == 1 { addSegment(points[0], points[0], radius) }
    }
    guard let trimmed = trimmed() else { return nil }
    self = trimmed
  }

  private static func curve(_ points: [SIMD2<Float>]) -> [SIMD2<Float>] {
    guard points.count > 2 else { return points }
    var result: [SIMD2<Float>] = []
    for i in 0..<points.count - 1 {
      let (p1, p2) = (points[i], points[i + 1])
      let p0 = i > 0 ? points[i - 1] : 2 * p1 - p2
      let p3 = i + 2 < points.count ? points[i + 2] : 2 * p2 - p1
      let slope = 0.5 * (p2 - p0)
      let a = 1.5 * (p1 - p2) + 0.5 * (p3 - p0)
      let b = p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3
      for piece in 0..<6 {
        let t = Float(piece) / 6
        result.append(p1 + t * (slope + t * (b + t * a)))
      }
    }
    result.append(points[points.count - 1])
    return result
  }

  private mutating func addSegment(_ a: SIMD2<Float>, _ b: SIMD2<Float>, _ radius: Float) {
    let reach = radius + 1
    let (left, right) = (
      Int(max(min(a.x, b.x) - reach, 0)), Int(min(max(a.x, b.x) + reach, Float(width - 1)))
    )
    let (top, bottom) = (
      Int(max(min(a.y, b.y) - reach, 0)), Int(min(max(a.y, b.y) + reach, Float(height - 1)))
    )
    guard left <= right, top <= bottom else { return }
    let d = b - a
    let square = (d * d).sum()
    for y in top...bottom {
      for x in left...right {
        let p = SIMD2(Float(x) + 0.5, Float(y) + 0.5) - a
        let t = square > 0 ? min(max((p * d).sum() / square, 0), 1) : 0
        let q = p - d * t
        let value = min(max(radius - (q * q).sum().squareRoot() + 0.5, 0), 1)
        if value > cover[y * width + x] { cover[y * width + x] = value }
      }
    }
  }
}
