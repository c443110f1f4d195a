/// Numbers on a grid, [height, width].
struct Plane<Value> {
  let width: Int
  let height: Int
  var values: [Value]

  init(width: Int, height: Int, repeating value: Value) {
    (self.width, self.height) = (width, height)
    values = [Value](repeating: value, count: width * height)
  }

  subscript(x: Int, y: Int) -> Value {
    get { values[y * width + x] }
    set { values[y * width + x] = newValue }
  }
}

extension Picture {
  /// How light each pixel is, 0...255: the luma of ITU-R BT.601, section 2.5.1.
  func lightness() -> Plane<UInt8> {
    var plane = Plane<UInt8>(width: width, height: height, repeating: 0)
    pixels.withUnsafeBufferPointer { pixels in
      plane.values.withUnsafeMutableBufferPointer { out in
        for i in out.indices {
          let (red, green, blue) = (Int(pixels[3 * i]), Int(pixels[3 * i + 1]), Int(pixels[3 * i + 2]))
          out[i] = UInt8(truncatingIfNeeded: (red * 77 + green * 150 + blue * 29 + 128) >> 8)
        }
      }
    }
    return plane
  }
}

extension Plane<UInt8> {
  /// Smoothed by the binomial filter [1 2 1] ⊗ [1 2 1] / 16, which takes a camera's noise and keeps strokes.
  func smoothed() -> Plane<UInt8> {
    guard width > 2, height > 2 else { return self }
    var result = self
    let width = width
    values.withUnsafeBufferPointer { v in
      result.values.withUnsafeMutableBufferPointer { out in
        for y in 1..<height - 1 {
          var left = columnSum(v, y * width, width)
          var middle = columnSum(v, y * width + 1, width)
          for x in 1..<width - 1 {
            let right = columnSum(v, y * width + x + 1, width)
            out[y * width + x] = UInt8(truncatingIfNeeded: (left + 2 * middle + right + 8) >> 4)
            (left, middle) = (middle, right)
          }
        }
      }
    }
    return result
  }

  @inline(__always)
  private func columnSum(_ v: UnsafeBufferPointer<UInt8>, _ i: Int, _ width: Int) -> Int {
    Int(v[i - width]) + 2 * Int(v[i]) + Int(v[i + width])
  }

  /// The means of blocks of factor × factor; blocks at the right and lower edge may be smaller.
  func blockMeans(_ factor: Int) -> Plane<Float> {
    let columns = (width + factor - 1) / factor
    let rows = (height + factor - 1) / factor
    var result = Plane<Float>(width: columns, height: rows, repeating: 0)
    for row in 0..<rows {
      let ys = row * factor..<min((row + 1) * factor, height)
      for column in 0..<columns {
        let xs = column * factor..<min((column + 1) * factor, width)
        var sum = 0
        for y in ys {
          for i in y * width + xs.lowerBound..<y * width + xs.upperBound { sum += Int(values[i]) }
        }
        result[column, row] = Float(sum) / Float(ys.count * xs.count)
      }
    }
    return result
  }
}

extension Plane<Float> {
  /// The greatest value within `radius` in both directions.
  func dilated(_ radius: Int) -> Plane<Float> { filtered(radius, max) }

  /// The least value within `radius` in both directions.
  func eroded(_ radius: Int) -> Plane<Float> { filtered(radius, min) }

  private func filtered(_ radius: Int, _ better: (Float, Float) -> Float) -> Plane<Float> {
    var result = self
    var line = [Float](repeating: 0, count: Swift.max(width, height))
    for y in 0..<height {
      for x in 0..<width { line[x] = values[y * width + x] }
      slide(&line, width, radius, better)
      for x in 0..<width { result.values[y * width + x] = line[x] }
    }
    for x in 0..<width {
      for y in 0..<height { line[y] = result.values[y * width + x] }
      slide(&line, height, radius, better)
      for y in 0..<height { result.values[y * width + x] = line[y] }
    }
    return result
  }

  /// The best of each window of 2 · `radius` + 1, in time that does not depend on the radius (van Herk, "A fast
  /// algorithm for local minimum and maximum filters on rectangular and octagonal kernels", 1992).
  private func slide(_ line: inout [Float], _ count: Int, _ radius: Int, _ better: (Float, Float) -> Float) {
    guard radius > 0, count > 0 else { return }
    let window = 2 * radius + 1
    // Windows that reach over the ends see the value at the end.
    let padded = count + 2 * radius
    var values = [Float](repeating: line[count - 1], count: (padded + window - 1) / window * window)
    for i in 0..<radius { values[i] = line[0] }
    for i in 0..<count { values[radius + i] = line[i] }
    var fromStart = values
    var fromEnd = values
    for i in 1..<values.count where i % window != 0 { fromStart[i] = better(fromStart[i - 1], values[i]) }
    for i in stride(from: values.count - 2, through: 0, by: -1) where (i + 1) % window != 0 {
      fromEnd[i] = better(fromEnd[i + 1], values[i])
    }
    for i in 0..<count { line[i] = better(fromEnd[i], fromStart[i + window - 1]) }
  }

  /// Means of windows of 2 · `radius` + 1 in both directions.
  func blurred(_ radius: Int) -> Plane<Float> {
    var result = self
    func mean(_ at: (Int) -> Int, _ count: Int, _ line: inout [Float]) {
      for i in 0..<count { line[i] = result.values[at(i)] }
      var sum: Float = 0
      for i in -radius...radius { sum += line[Swift.min(Swift.max(i, 0), count - 1)] }
      for i in 0..<count {
        result.values[at(i)] = sum / Float(2 * radius + 1)
        sum += line[Swift.min(i + radius + 1, count - 1)] - line[Swift.max(i - radius, 0)]
      }
    }
    var line = [Float](repeating: 0, count: Swift.max(width, height))
    for y in 0..<height { mean({ y * self.width + $0 }, width, &line) }
    for x in 0..<width { mean({ $0 * self.width + x }, height, &line) }
    return result
  }

  /// Calls `body` with each row of a grid `factor` times as fine, [fineWidth], by bilinear interpolation between the
  /// middles of the blocks.
  func forEachFineRow(
    factor: Int, width fineWidth: Int, height fineHeight: Int, _ body: (_ y: Int, _ row: [Float]) -> Void
  ) {
    var row = [Float](repeating: 0, count: fineWidth)
    var line = [Float](repeating: 0, count: width)
    let places = (0..<fineWidth).map { place($0, factor, width) }
    for y in 0..<fineHeight {
      let (above, below, part) = place(y, factor, height)
      for x in 0..<width {
        let (a, b) = (values[above * width + x], values[below * width + x])
        line[x] = a + (b - a) * part
      }
      for x in 0..<fineWidth {
        let (left, right, part) = places[x]
        row[x] = line[left] + (line[right] - line[left]) * part
      }
      body(y, row)
    }
  }

  private func place(_ i: Int, _ factor: Int, _ count: Int) -> (Int, Int, Float) {
    let exact = Swift.max((Float(i) + 0.5) / Float(factor) - 0.5, 0)
    let first = Swift.min(Int(exact), count - 1)
    return (first, Swift.min(first + 1, count - 1), exact - Float(first))
  }
}

/// Ink between the pixels of [height, width], whose middles lie at whole numbers; none outside.
func interpolated(_ ink: [Float], _ width: Int, _ height: Int, _ place: SIMD2<Float>) -> Float {
  guard place.x > -1, place.y > -1, place.x < Float(width), place.y < Float(height) else { return 0 }
  let (x, y) = (Int(place.x + 1) - 1, Int(place.y + 1) - 1)
  let (u, v) = (place.x - Float(x), place.y - Float(y))
  func at(_ x: Int, _ y: Int) -> Float {
    x >= 0 && y >= 0 && x < width && y < height ? ink[y * width + x] : 0
  }
  return (at(x, y) * (1 - u) + at(x + 1, y) * u) * (1 - v) + (at(x, y + 1) * (1 - u) + at(x + 1, y + 1) * u)
    * v
}
