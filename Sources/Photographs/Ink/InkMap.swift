/// Where a picture has ink, whatever the light: how much darker (or, on a dark ground, lighter) each pixel is than the
/// paper around it would be.
struct InkMap {
  /// 0 paper, 255 all of the light gone, [height, width].
  var contrast: Plane<UInt8>
  /// Whether a pixel belongs to a stroke: its contrast is at least half that of the strokes around it.
  var isInk: Plane<Bool>
  /// Whether a pixel is darker than the paper's noise makes it: strokes, and fainter things such as ruled lines.
  var isMarked: Plane<Bool>
  /// Whether the ink is lighter than its ground.
  let isInverted: Bool

  /// Contrast below which nothing is ink.
  private static let leastContrast: Float = 22
  /// The ground is looked for on a grid with about so many cells along the shorter side.
  private static let gridCells = 256

  init(_ picture: Picture) {
    let light = picture.lightness().smoothed()
    let factor = max(1, min(light.width, light.height) / Self.gridCells)
    let grid = light.blockMeans(factor)
    // Wider than any stroke, narrower than what lights and shadows do: of a page of writing a seventh, of one digit that
    // fills the picture more.
    let side = max(grid.width, grid.height)
    var window = Window(grid, radius: max(2, side / 14))
    if !window.isDecided { window = Window(grid, radius: max(4, side / 5)) }
    isInverted = window.inkIsLight
    let radius = window.radius
    let (above, below) = (window.above, window.below)
    let ground = (isInverted ? below : above).blurred(max(1, radius / 4))
    contrast = Self.contrast(light, against: ground, factor, isInverted)
    (isMarked, isInk) = Self.strokes(contrast, factor: factor, radius: radius)
  }

  /// The brightest and the darkest around each cell of a grid, and which of them is the ink.
  private struct Window {
    let radius: Int
    let above: Plane<Float>
    let below: Plane<Float>
    /// Of where light changes, what is nearer to the darkest.
    private let darkShare: Float

    init(_ grid: Plane<Float>, radius: Int) {
      self.radius = radius
      let (most, least) = (grid.dilated(radius), grid.eroded(radius))
      // What lies lower than its surroundings is filled up, what lies higher taken off, to twice the radius (closing and
      // opening).
      above = most.eroded(radius)
      below = least.dilated(radius)
      // Within reach of a stroke there is more paper than ink.
      let ranges = zip(most.values, least.values).map { $0 - $1 }
      let active = max(12, (ranges.max() ?? 0) * 0.3)
      var (dark, all): (Float, Float) = (0, 0)
      for i in ranges.indices where ranges[i] > active {
        if grid.values[i] < (most.values[i] + least.values[i]) / 2 { dark += 1 }
        all += 1
      }
      darkShare = all > 0 ? dark / all : 0
    }

    /// Ink is the smaller part.
    var inkIsLight: Bool { darkShare > 0.5 }
    /// If both are alike, strokes are wider than the window, or nearly.
    var isDecided: Bool { abs(darkShare - 0.5) > 0.15 }
  }

  /// The part of the ground's light that is missing (on a dark ground: of the missing light that is there), which is the
  /// same in the shade and in the sun.
  private static func contrast(
    _ light: Plane<UInt8>, against ground: Plane<Float>, _ factor: Int, _ isInverted: Bool
  ) -> Plane<UInt8> {
    var contrast = light
    let width = light.width
    contrast.values.withUnsafeMutableBufferPointer { values in
      ground.forEachFineRow(factor: factor, width: width, height: light.height) { y, row in
        for x in 0..<width {
          let value = Float(values[y * width + x])
          let (missing, all) = isInverted ? (value - row[x], 255 - row[x]) : (row[x] - value, row[x])
          // In the dark a few levels are noise.
          values[y * width + x] = UInt8(min(max(255 * missing / max(all, 40), 0), 255))
        }
      }
    }
    return contrast
  }

  /// Half of the contrast that the strong strokes beside a pixel have, and more than the paper's own noise; or less more,
  /// where it hangs together with such. A faint digit is not measured by a strong one that is its neighbour.
  private static func strokes(
    _ contrast: Plane<UInt8>, factor: Int, radius: Int
  ) -> (isMarked: Plane<Bool>, isInk: Plane<Bool>) {
    let noise = 4.5 * paperNoise(contrast)
    let least = max(leastContrast, noise)
    // The level of strokes: what is reached in blocks, the single pixel's noise left out.
    var peaks = contrast.blockPeaks(factor)
    let reach = max(2, radius / 8)
    peaks = peaks.dilated(reach).blurred(reach)
    var isInk = Plane<Bool>(width: contrast.width, height: contrast.height, repeating: false)
    var isMarked = isInk
    var isWeak = isInk
    let width = contrast.width
    isInk.values.withUnsafeMutableBufferPointer { ink in
      isMarked.values.withUnsafeMutableBufferPointer { marked in
        isWeak.values.withUnsafeMutableBufferPointer { weak in
          contrast.values.withUnsafeBufferPointer { values in
            peaks.forEachFineRow(factor: factor, width: width, height: contrast.height) { y, row in
              for x in 0..<width {
                let i = y * width + x
                let value = Float(values[i])
                weak[i] = value > max(0.6 * least, 0.46 * row[x])
                ink[i] = weak[i] && value > least
                marked[i] = value > max(0.6 * least, 0.15 * row[x])
              }
            }
          }
        }
      }
    }
    isInk.grow(into: isWeak)
    return (isMarked, isInk)
  }

  /// The standard deviation of the paper's contrast: 1.4826 times the median absolute difference of neighbours, over
  /// √2 (Rousseeuw, Croux, "Alternatives to the Median Absolute Deviation", 1993).
  private static func paperNoise(_ contrast: Plane<UInt8>) -> Float {
    var counts = [Int](repeating: 0, count: 256)
    let width = contrast.width
    guard width > 8 else { return 0 }
    for y in stride(from: 0, to: contrast.height, by: 3) {
      for x in stride(from: 0, to: width - 4, by: 3) {
        let i = y * width + x
        counts[abs(Int(contrast.values[i]) - Int(contrast.values[i + 4]))] += 1
      }
    }
    let half = counts.reduce(0, +) / 2
    var seen = 0
    for (value, count) in counts.enumerated() {
      seen += count
      if seen > half { return 1.4826 * Float(value) / Float(2).squareRoot() }
    }
    return 0
  }
}

extension Plane<UInt8> {
  /// The greatest mean of three neighbours in a row, of each block of factor × factor.
  fileprivate func blockPeaks(_ factor: Int) -> Plane<Float> {
    let columns = (width + factor - 1) / factor
    var result = Plane<Float>(width: columns, height: (height + factor - 1) / factor, repeating: 0)
    for y in 0..<height {
      let row = y / factor * columns
      for x in 1..<Swift.max(width - 1, 1) {
        let i = y * width + x
        let mean = Float(Int(values[i - 1]) + Int(values[i]) + Int(values[i + 1])) / 3
        let place = row + x / factor
        if mean > result.values[place] { result.values[place] = mean }
      }
    }
    return result
  }
}

extension Plane<Bool> {
  /// Adds what hangs together with it in `weak` and is no lone speck there: of its eight neighbours four are weak too
  /// (Canny, "A Computational Approach to Edge Detection", 1986, hysteresis).
  fileprivate mutating func grow(into weak: Plane<Bool>) {
    guard width > 2, height > 2 else { return }
    let around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1]
    var front = values.indices.filter { values[$0] }
    while !front.isEmpty {
      var next: [Int] = []
      for i in front {
        let (x, y) = (i % width, i / width)
        guard x > 1, y > 1, x < width - 2, y < height - 2 else { continue }
        for step in around where weak.values[i + step] && !values[i + step] {
          guard around.count(where: { weak.values[i + step + $0] }) >= 4 else { continue }
          values[i + step] = true
          next.append(i + step)
        }
      }
      front = next
    }
  }
}
