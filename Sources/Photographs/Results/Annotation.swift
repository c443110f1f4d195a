internal import Datasets

extension Picture {
  /// The picture with a frame around each digit that was read in it, and the digit above: green where the network is
  /// sure, towards red where it is not.
  package func annotated(with reading: Reading) -> Picture {
    var result = self
    let scale = Float(width) / Float(max(reading.width, 1))
    let pen = max(1.2, Float(min(width, height)) / 500)
    for digit in reading.rows.joined() {
      let doubt = min(max((1 - digit.confidence) / 0.4, 0), 1)
      let colour = SIMD3<Float>(20 + 210 * doubt, 150 - 110 * doubt, 60 - 20 * doubt)
      let corners = digit.corners.map { $0 * scale }
      for (a, b) in zip(corners, corners[1...] + corners[..<1]) {
        let strokes = InkSprite.line(a, b, radius: pen)
        if let strokes { result.lay(strokes.sprite, at: strokes.corner, colour) }
      }
      let box = digit.box
      let size = max(min(box.height * scale * 0.32, Float(height) / 20), 9)
      guard let sign = InkSprite.sign(of: digit.digit, height: size, radius: max(size / 14, 0.8)) else {
        continue
      }
      let left = Int((box.left + box.width / 2) * scale) - sign.width / 2
      var top = Int(box.top * scale) - sign.height - Int(2 * pen) - 2
      // Beside the frame where there is no room above.
      if top < 0 { top = Int((box.top + box.height) * scale) + Int(2 * pen) + 2 }
      let place = SIMD2(min(max(left, 0), width - sign.width), min(max(top, 0), height - sign.height))
      result.lay(sign, at: place, colour)
    }
    return result
  }

  /// Lays ink of one colour over the picture.
  private mutating func lay(_ sprite: InkSprite, at corner: SIMD2<Int>, _ colour: SIMD3<Float>) {
    for y in 0..<sprite.height where corner.y + y >= 0 && corner.y + y < height {
      for x in 0..<sprite.width where corner.x + x >= 0 && corner.x + x < width {
        let cover = sprite.cover[y * sprite.width + x]
        guard cover > 0 else { continue }
        let i = ((corner.y + y) * width + corner.x + x) * 3
        for c in 0..<3 {
          pixels[i + c] = UInt8(Float(pixels[i + c]) * (1 - cover) + colour[c] * cover)
        }
      }
    }
  }
}

extension InkSprite {
  /// A straight line, and where its upper left corner belongs.
  fileprivate static func line(
    _ a: SIMD2<Float>, _ b: SIMD2<Float>, radius: Float
  ) -> (sprite: InkSprite, corner: SIMD2<Int>)? {
    let least = pointwiseMin(a, b) - radius
    let corner = SIMD2(Int(least.x.rounded(.down)), Int(least.y.rounded(.down)))
    let origin = SIMD2(Float(corner.x), Float(corner.y))
    guard let sprite = InkSprite(strokes: [[a - origin, b - origin]], radius: radius) else { return nil }
    // Trimmed to the ink with one pixel around: so the corner is found from the ends.
    return (sprite, corner &- 1)
  }

  /// A digit as Lockstep writes it.
  fileprivate static func sign(of digit: Int, height: Float, radius: Float) -> InkSprite? {
    var strokes: [[SIMD2<Float>]] = [[]]
    for point in StrokeShape.digits[digit][0].points {
      strokes[strokes.count - 1].append(point.position * height)
      if point.endsStroke {
        strokes.append([])
      } else if point.isCorner {
        strokes.append([point.position * height])
      }
    }
    return InkSprite(strokes: strokes.filter { !$0.isEmpty }, radius: radius)
  }
}
