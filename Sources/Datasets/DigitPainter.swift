internal import Tensors

/// Draws one synthetic digit after the other; owns the scratch memory for it.
struct DigitPainter: ~Copyable {
  /// A point of the flattened strokes; the pen draws from it to the next one unless the stroke ends here.
  private struct Vertex {
    var position: SIMD2<Float>
    var radius: Float
    var endsStroke: Bool
  }

  private static let piecesPerSpan = 5
  private static let maximumVertices = StrokeShape.maximumCount * (piecesPerSpan + 1)

  private let vertices: UnsafeMutablePointer<Vertex>
  private let control: UnsafeMutablePointer<StrokeShape.ControlPoint>
  private var canvas = InkCanvas()

  init() {
    vertices = .allocate(capacity: Self.maximumVertices)
    control = .allocate(capacity: StrokeShape.maximumCount)
  }

  deinit {
    vertices.deallocate()
    control.deallocate()
  }

  /// Draws the digit that `generator` describes, [height, width], and returns its class.
  mutating func paint(_ generator: CounterGenerator, into image: UnsafeMutableBufferPointer<UInt8>) -> UInt16
  {
    var draws = Draws(generator)
    let label = draws.below(SyntheticDigits.format.classCount)
    let controlCount = chooseControlPoints(of: StrokeShape.digits[label], &draws)
    let radius = draws.normal(mean: 1.28, deviation: 0.36, in: 0.6...2.3)
    let vertexCount = flatten(controlCount, radius, &draws)
    bend(vertexCount, slantDeviation: label == 1 ? 0.32 : 0.28, &draws)
    place(vertexCount, radius, &draws)

    canvas.clear()
    for i in 0..<vertexCount {
      let from = vertices[i]
      if from.endsStroke { continue }
      let to = vertices[i + 1]
      canvas.addSegment(from.position, from.radius, to.position, to.radius)
    }
    let softness = draws.between(0.9, 1.7)
    let ink = min(1, draws.between(0.88, 1.25))
    canvas.develop(softness: softness, ink: ink, into: image)
    return UInt16(label)
  }

  /// Picks a shape by weight and moves its control points a little.
  private func chooseControlPoints(of shapes: [StrokeShape], _ draws: inout Draws) -> Int {
    var rest = draws.uniform() * shapes.reduce(0) { $0 + $1.weight }
    var choice = 0
    while choice < shapes.count - 1, rest >= shapes[choice].weight {
      rest -= shapes[choice].weight
      choice += 1
    }
    let points = shapes[choice].points
    let jitter = draws.between(0.018, 0.055)
    for i in 0..<points.count {
      control[i] = points[i]
      control[i].position += SIMD2(draws.normal(), draws.normal()) * jitter
    }
    return points.count
  }

  /// Lays Catmull–Rom curves (Catmull, Rom 1974) through the control points, cut into short straight lines.
  private func flatten(_ controlCount: Int, _ radius: Float, _ draws: inout Draws) -> Int {
    var count = 0
    let pressure = draws.between(0, 0.22)
    var fromRadius = radius * (1 + pressure * draws.normal())
    for i in 0..<controlCount {
      let start = control[i]
      if start.endsStroke {
        vertices[count] = Vertex(
          position: start.position, radius: max(fromRadius, 0.45), endsStroke: true)
        count += 1
        fromRadius = radius * (1 + pressure * draws.normal())
        continue
      }
      let end = control[i + 1]
      let toRadius = radius * (1 + pressure * draws.normal())
      let isFirst = i == 0 || control[i - 1].endsStroke || start.isCorner
      let isLast = end.endsStroke || end.isCorner
      let p0 = isFirst ? 2 * start.position - end.position : control[i - 1].position
      let p1 = start.position
      let p2 = end.position
      let p3 = isLast ? 2 * p2 - p1 : control[i + 2].position
      let slope = 0.5 * (p2 - p0)
      let a = 1.5 * (p1 - p2) + 0.5 * (p3 - p0)
      let b = p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3
      for piece in 0..<Self.piecesPerSpan {
        let t = Float(piece) / Float(Self.piecesPerSpan)
        vertices[count] = Vertex(
          position: p1 + t * (slope + t * (b + t * a)),
          radius: max(fromRadius + t * (toRadius - fromRadius), 0.45), endsStroke: false)
        count += 1
      }
      fromRadius = toRadius
    }
    return count
  }

  /// Bends the digit by a random polynomial of third degree, changes its proportions, slants and turns it.
  private func bend(_ count: Int, slantDeviation: Float, _ draws: inout Draws) {
    let strength = draws.between(0.06, 0.34)
    var coefficients: (SIMD2<Float>, SIMD2<Float>, SIMD2<Float>, SIMD2<Float>, SIMD2<Float>) =
      (.zero, .zero, .zero, .zero, .zero)
    coefficients.0 = SIMD2(draws.normal(), draws.normal()) * strength
    coefficients.1 = SIMD2(draws.normal(), draws.normal()) * strength
    coefficients.2 = SIMD2(draws.normal(), draws.normal()) * strength
    coefficients.3 = SIMD2(draws.normal(), draws.normal()) * (2 * strength)
    coefficients.4 = SIMD2(draws.normal(), draws.normal()) * (2 * strength)
    let width = draws.normal(mean: 1.05, deviation: 0.25, in: 0.6...1.8)
    let slant = draws.normal(mean: 0.12, deviation: slantDeviation, in: -0.5...0.9)
    // cos and sin of an angle from the tangent of its half.
    let half = draws.normal(mean: 0, deviation: 0.08, in: -0.2...0.2)
    let cosine = (1 - half * half) / (1 + half * half)
    let sine = 2 * half / (1 + half * half)
    for i in 0..<count {
      var p = vertices[i].position - SIMD2(0.32, 0.5)
      let (x, y) = (p.x, p.y)
      p += coefficients.0 * (x * x)
      p += coefficients.1 * (x * y)
      p += coefficients.2 * (y * y)
      p += coefficients.3 * (x * y * y)
      p += coefficients.4 * (y * y * y)
      p.x = p.x * width - slant * p.y
      vertices[i].position = SIMD2(cosine * p.x - sine * p.y, sine * p.x + cosine * p.y)
    }
  }

  /// Scales the digit into a box of about 20 pixels and puts its centre of mass near the image's centre.
  private func place(_ count: Int, _ radius: Float, _ draws: inout Draws) {
    var low = vertices[0].position
    var high = low
    var mass: Float = 0
    var moment = SIMD2<Float>.zero
    for i in 0..<count {
      let p = vertices[i].position
      low = SIMD2(min(low.x, p.x), min(low.y, p.y))
      high = SIMD2(max(high.x, p.x), max(high.y, p.y))
      if vertices[i].endsStroke { continue }
      let q = vertices[i + 1].position
      let d = q - p
      let length = (d.x * d.x + d.y * d.y).squareRoot() * (vertices[i].radius + vertices[i + 1].radius)
      mass += length
      moment += length * (p + q)
    }
    let extent = high - low
    let box = draws.normal(mean: 19.5, deviation: 1, in: 16.5...21.5) - 2 * radius
    // The larger extent fills the box; the floor keeps a degenerate drawing from being blown up.
    let scale = box / max(extent.x, extent.y, 0.3)
    let centre = mass > 0 ? moment / (2 * mass) : (low + high) / 2
    let offset = SIMD2(draws.normal(), draws.normal()) * 0.5 + InkCanvas.centre
    for i in 0..<count {
      vertices[i].position = (vertices[i].position - centre) * scale + offset
    }
  }
}
