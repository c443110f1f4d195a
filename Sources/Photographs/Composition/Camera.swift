internal import Datasets
internal import Tensors

/// What a sheet is made of, and how light falls on it.
struct Paper {
  enum Ruling {
    case none, lines, squares
  }

  let colour: SIMD3<Float>
  let ruling: Ruling
  /// Of the ruling, in pixels.
  let distance: Float
  let thickness: Float
  let rulingInk: SIMD3<Float>
  /// How uneven the paper itself is.
  let grain: Float
  /// The change of light across the page, to the right and down, and the darkest it gets.
  let gradient: SIMD2<Float>
  let corner: Float
  /// A shadow's edge (a point, and the direction into the shadow), its softness and what light is left in it.
  let shadow: (point: SIMD2<Float>, direction: SIMD2<Float>, softness: Float, light: Float)?
  /// A fold: likewise, and how much darker its one side is.
  let fold: (point: SIMD2<Float>, direction: SIMD2<Float>, step: Float)?

  init(_ draws: inout Draws, _ difficulty: PageComposer.Difficulty) {
    func direction() -> SIMD2<Float> {
      let v = SIMD2(draws.normal(), draws.normal() + 0.01)
      return v / (v * v).sum().squareRoot()
    }
    if difficulty == .clean {
      colour = SIMD3(0.93, 0.93, 0.92)
      (ruling, distance, thickness, rulingInk) = (.none, 1, 0, .zero)
      grain = 0.008
      gradient = SIMD2(draws.normal(), draws.normal()) * 0.06
      corner = 0
      (shadow, fold) = (nil, nil)
      return
    }
    let colours: [SIMD3<Float>] = [
      SIMD3(0.94, 0.94, 0.93), SIMD3(0.9, 0.86, 0.74), SIMD3(0.84, 0.8, 0.72), SIMD3(0.8, 0.88, 0.94),
      SIMD3(0.95, 0.85, 0.6),
    ]
    colour = colours[draws.below(colours.count)] * draws.between(0.8, 1)
    let choice = draws.uniform()
    ruling = choice < 0.2 ? .lines : choice < 0.35 ? .squares : .none
    distance = ruling == .squares ? draws.between(22, 50) : draws.between(50, 110)
    thickness = draws.between(0.8, 2)
    let inks: [SIMD3<Float>] = [SIMD3(0.5, 0.3, 0.1), SIMD3(0.15, 0.45, 0.45), SIMD3(0.35, 0.35, 0.35)]
    rulingInk = inks[draws.below(inks.count)] * draws.between(0.5, 1.1)
    grain = draws.between(0.005, 0.03)
    gradient = SIMD2(draws.normal(), draws.normal()) * 0.2
    corner = draws.between(0, 0.3)
    shadow =
      draws.uniform() < 0.4
      ? (
        SIMD2(draws.uniform(), draws.uniform()), direction(), draws.between(0.005, 0.1),
        draws.between(0.5, 0.85)
      ) : nil
    fold =
      draws.uniform() < 0.3
      ? (SIMD2(draws.between(0.2, 0.8), draws.between(0.2, 0.8)), direction(), draws.between(-0.08, 0.08))
      : nil
  }

  /// The light that comes from a point of the sheet, (x, y) in parts of its size.
  func light(at p: SIMD2<Float>) -> Float {
    let d = p - 0.5
    var light = 0.92 + (d * gradient).sum() - corner * (d * d).sum()
    if let shadow {
      let depth = ((p - shadow.point) * shadow.direction).sum() / shadow.softness
      light *= 1 + (shadow.light - 1) * min(max(depth + 0.5, 0), 1)
    }
    if let fold {
      let depth = ((p - fold.point) * fold.direction).sum()
      if depth > 0 { light *= 1 + fold.step * max(0, 1 - depth * 3) }
      if abs(depth) < 0.0015 { light *= 0.9 }
    }
    return min(max(light, 0.12), 1)
  }

  /// How much of a point, in pixels of the sheet, its ruling covers.
  func ruled(_ x: Float, _ y: Float) -> Float {
    func line(_ v: Float) -> Float {
      let far = abs(v - (v / distance).rounded() * distance)
      return min(max(thickness / 2 - far + 0.5, 0), 1)
    }
    switch ruling {
    case .none: return 0
    case .lines: return line(y)
    case .squares: return max(line(x), line(y))
    }
  }
}

/// How a sheet is seen: from where, how sharp, how noisy.
struct Camera {
  let width: Int
  let height: Int
  let jpegQuality: Int
  /// The eight numbers of the projective map from picture to sheet: (a·x + b·y + c, d·x + e·y + f) / (g·x + h·y + 1),
  /// about the middles of both.
  private let turn: (cosine: Float, sine: Float)
  private let tilt: SIMD2<Float>
  private let blur: Int
  private let noise: Float
  private let seed: UInt64

  init(_ draws: inout Draws, width: Int, height: Int, _ difficulty: PageComposer.Difficulty) {
    (self.width, self.height) = (width, height)
    let isClean = difficulty == .clean
    // The tangents of 1° and 5°: half of the angle.
    let half = draws.between(-1, 1) * (isClean ? 0.0175 : 0.0875)
    turn = ((1 - half * half) / (1 + half * half), 2 * half / (1 + half * half))
    tilt = isClean ? .zero : SIMD2(draws.normal(), draws.normal()) * (0.06 / Float(max(width, height)))
    blur = isClean ? draws.below(2) : draws.below(4)
    noise = isClean ? draws.between(0.5, 2) : draws.between(1, 9)
    jpegQuality = isClean ? 85 + draws.below(11) : 35 + draws.below(60)
    seed = UInt64(draws.below(1 << 30))
  }

  /// Where on the sheet a point of the picture lies.
  private func sheet(_ point: SIMD2<Float>) -> SIMD2<Float> {
    let centre = SIMD2(Float(width), Float(height)) / 2
    let p = point - centre
    let turned = SIMD2(turn.cosine * p.x - turn.sine * p.y, turn.sine * p.x + turn.cosine * p.y)
    return turned / (1 + (tilt * p).sum()) + centre
  }

  /// Where in the picture a point of the sheet lies.
  func image(of point: SIMD2<Float>) -> SIMD2<Float> {
    // Solved by following the map back: it is nearly a turn.
    var guess = point
    for _ in 0..<20 {
      let error = point - sheet(guess)
      guess += SIMD2(turn.cosine * error.x + turn.sine * error.y, turn.cosine * error.y - turn.sine * error.x)
    }
    return guess
  }

  func photograph(_ sheet: Sheet, _ hand: PageComposer.Hand, _ paper: Paper, _ draws: inout Draws) -> Picture
  {
    // The paper's own unevenness, coarse.
    var coarse = Plane<Float>(width: width / 8 + 2, height: height / 8 + 2, repeating: 0)
    for i in coarse.values.indices { coarse.values[i] = draws.normal() * paper.grain }
    var planes = [Plane<Float>](repeating: Plane(width: width, height: height, repeating: 0), count: 3)
    coarse.forEachFineRow(factor: 8, width: width, height: height) { y, row in
      for x in 0..<width {
        let place = self.sheet(SIMD2(Float(x), Float(y)) + 0.5)
        let cover = interpolated(sheet.ink.cover, sheet.width, sheet.height, place - 0.5)
        let light = paper.light(at: place / SIMD2(Float(width), Float(height))) * (1 + row[x])
        let ruled = paper.ruled(place.x, place.y)
        var colour = paper.colour * (1 - paper.rulingInk * ruled)
        if hand.isInverted {
          // Chalk on a board.
          colour = SIMD3(repeating: 0.14) + (SIMD3(repeating: 0.85) - 0.14) * cover
        } else {
          colour *= SIMD3(repeating: 1) - hand.ink * cover
        }
        colour *= light
        for c in 0..<3 { planes[c].values[y * width + x] = colour[c] }
      }
    }
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    let generator = CounterGenerator(seed: seed, for: .photograph)
    for c in 0..<3 {
      let plane = blur > 0 ? planes[c].blurred(1, times: blur) : planes[c]
      for i in plane.values.indices {
        let word = generator.bits(at: UInt64(3 * i + c))
        let sum = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + word >> 48
        let normal = (Float(sum) * 0x1p-16 - 2) * 1.7320508
        pixels[3 * i + c] = UInt8(min(max(255 * plane.values[i] + noise * normal + 0.5, 0), 255))
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

extension Plane<Float> {
  /// Smoothed again and again, which comes near a lens out of focus.
  fileprivate func blurred(_ radius: Int, times: Int) -> Plane<Float> {
    (0..<times).reduce(self) { plane, _ in plane.blurred(radius) }
  }
}
