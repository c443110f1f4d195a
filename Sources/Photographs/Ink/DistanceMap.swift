/// How far each point of a grid lies from the edge of ink: inside positive, outside negative.
struct DistanceMap {
  private(set) var distances: Plane<Float>
  private var outside: [Float]
  private var values: [Float]

  init(width: Int, height: Int) {
    distances = Plane(width: width, height: height, repeating: 0)
    outside = [Float](repeating: 0, count: width * height)
    values = outside
  }

  /// Measures `cover`, [height, width], in which 0.5 and more is ink: two sweeps with steps of 1 and √2 (Borgefors,
  /// "Distance Transformations in Digital Images", 1986), begun where the edge passes between two points.
  mutating func measure(_ cover: (_ x: Int, _ y: Int) -> Float) {
    let (width, height) = (distances.width, distances.height)
    let far: Float = 1000
    for y in 0..<height { for x in 0..<width { values[y * width + x] = cover(x, y) - 0.5 } }
    for i in values.indices {
      distances.values[i] = values[i] > 0 ? far : 0
      outside[i] = values[i] > 0 ? 0 : far
    }
    func meet(_ i: Int, _ j: Int) {
      let (a, b) = (values[i], values[j])
      guard (a > 0) != (b > 0) else { return }
      let (ink, paper) = a > 0 ? (i, j) : (j, i)
      // Where between them the value passes through one half.
      let part = values[ink] / (values[ink] - values[paper])
      distances.values[ink] = min(distances.values[ink], part)
      outside[paper] = min(outside[paper], 1 - part)
    }
    for y in 0..<height {
      for x in 0..<width {
        let i = y * width + x
        if x + 1 < width { meet(i, i + 1) }
        if y + 1 < height { meet(i, i + width) }
      }
    }
    distances.values.withUnsafeMutableBufferPointer { inside in
      outside.withUnsafeMutableBufferPointer { outside in
        Self.sweep(inside, width, height)
        Self.sweep(outside, width, height)
        for i in inside.indices where inside[i] <= 0 { inside[i] = -outside[i] }
      }
    }
  }

  private static func sweep(_ d: UnsafeMutableBufferPointer<Float>, _ width: Int, _ height: Int) {
    let diagonal = Float(2).squareRoot()
    guard width > 2, height > 2 else { return }
    for y in 1..<height - 1 {
      for x in 1..<width - 1 {
        let i = y * width + x
        let straight = min(d[i - 1], d[i - width]) + 1
        let slanted = min(d[i - width - 1], d[i - width + 1]) + diagonal
        d[i] = min(d[i], min(straight, slanted))
      }
    }
    for y in stride(from: height - 2, to: 0, by: -1) {
      for x in stride(from: width - 2, to: 0, by: -1) {
        let i = y * width + x
        let straight = min(d[i + 1], d[i + width]) + 1
        let slanted = min(d[i + width + 1], d[i + width - 1]) + diagonal
        d[i] = min(d[i], min(straight, slanted))
      }
    }
  }

  /// How wide its strokes are: distances of a band's points from its edges are even between 0 and half of its width. 0
  /// without ink.
  var strokeWidth: Float {
    var (sum, count): (Float, Int) = (0, 0)
    for d in distances.values where d > 0 {
      sum += d
      count += 1
    }
    return count > 0 ? 4 * sum / Float(count) : 0
  }

  /// How much of a point is covered once the ink has grown by `change` on all sides, 0...1.
  func cover(_ i: Int, change: Float) -> Float { min(max(distances.values[i] + change + 0.5, 0), 1) }
}
