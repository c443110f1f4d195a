/// Weights that make a value for each of `count` pixels of those at `points` points, which span them from end to end: cubic
/// convolution (Keys 1981, a = −½); points beyond the ends are those at the ends.
struct BicubicGrid {
  let points: Int
  let count: Int
  /// [count, points].
  let weights: [Float]
  /// The points whose weights a pixel has; all others are 0.
  let support: [ClosedRange<Int>]

  init(points: Int, count: Int) {
    precondition(points > 1 && count > 0, "\(points) points for \(count) pixels")
    self.points = points
    self.count = count
    var weights = [Float](repeating: 0, count: count * points)
    var support: [ClosedRange<Int>] = []
    for pixel in 0..<count {
      let place = Double(pixel * (points - 1)) / Double(max(count - 1, 1))
      let first = min(Int(place), points - 2)
      let t = place - Double(first)
      let taps = [
        t * (-0.5 + t * (1 - 0.5 * t)), 1 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2 - 1.5 * t)), t * t * (-0.5 + 0.5 * t),
      ]
      for (offset, weight) in taps.enumerated() {
        weights[pixel * points + min(max(first + offset - 1, 0), points - 1)] += Float(weight)
      }
      support.append(max(first - 1, 0)...min(first + 2, points - 1))
    }
    self.weights = weights
    self.support = support
  }
}
