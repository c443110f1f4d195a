internal import Datasets

/// What stands on paper and is no digit.
enum Decoy: CaseIterable {
  case letter, word, glyph, scribble, blot, line, stamp, mark

  /// Which letters and marks are drawn: what a network learns from must not be what it is tried on.
  enum Alphabet {
    case learning, trial
  }

  /// Draws one, about `height` pixels high, with a pen of `radius` pixels.
  static func drawn(
    _ kind: Decoy, height: Float, radius: Float, _ alphabet: Alphabet, _ draws: inout Draws
  ) -> InkSprite? {
    switch kind {
    case .letter: letter(height, radius, alphabet, &draws)
    case .word: word(height, radius, alphabet, &draws)
    case .glyph: glyph(height, radius, &draws)
    case .scribble: scribble(height, radius, &draws)
    case .blot: blot(height, &draws)
    case .line: line(height, radius, &draws)
    case .stamp: stamp(height, radius, &draws)
    case .mark: mark(height, radius, alphabet, &draws)
    }
  }

  // Letters that people take for digits (B, D, G, I, O, S, Z, b, g, i, l, o, q, s, z) are in neither alphabet.
  private static let learningLetters: [StrokeShape] = [
    StrokeShape(1, "0 100, 30 0!, 60 100 | 12 62, 48 62"),
    StrokeShape(1, "56 0, 4 0!, 4 100 | 4 48, 44 48"),
    StrokeShape(1, "6 0, 6 100 | 58 0, 8 56!, 60 100"),
    StrokeShape(1, "4 100, 4 0!, 58 100!, 58 0"),
    StrokeShape(1, "6 100, 6 0!, 46 6, 54 28, 40 50, 8 54"),
    StrokeShape(1, "6 100, 6 0!, 44 4, 52 24, 40 44, 8 50!, 58 100"),
    StrokeShape(1, "0 2, 64 2 | 32 2, 32 100"),
    StrokeShape(1, "0 0, 28 100!, 58 0"),
    StrokeShape(1, "0 0, 18 100!, 38 30!, 58 100!, 78 0"),
    StrokeShape(1, "4 0, 4 70, 30 100, 56 70, 56 0"),
    StrokeShape(1, "54 30, 24 20, 2 54, 16 96, 44 84, 54 34!, 56 84, 68 96"),
    StrokeShape(1, "6 62, 52 58, 48 30, 24 20, 2 52, 10 90, 36 100, 58 84"),
    StrokeShape(1, "6 30, 6 100!, 8 50, 34 30, 54 50, 56 100"),
    StrokeShape(1, "8 30, 8 100!, 12 50, 34 32, 52 38"),
    StrokeShape(1, "26 0, 26 84, 40 100, 56 92 | 2 32, 52 32"),
    StrokeShape(1, "4 30, 6 84, 30 100, 54 76, 56 30!, 56 84, 66 98"),
    StrokeShape(1, "0 30, 14 98, 32 50!, 50 98, 66 30"),
    StrokeShape(1, "2 32, 54 100 | 54 32, 2 100"),
    StrokeShape(1, "4 0, 4 98!, 56 98"),
  ]

  private static let trialLetters: [StrokeShape] = [
    StrokeShape(1, "56 0, 4 0!, 4 100!, 58 100 | 4 50, 46 50"),
    StrokeShape(1, "4 0, 4 100 | 58 0, 58 100 | 4 50, 58 50"),
    StrokeShape(1, "0 100, 8 0!, 38 70!, 68 0!, 76 100"),
    StrokeShape(1, "0 0, 60 100 | 60 0, 0 100"),
    StrokeShape(1, "54 60, 26 40, 4 68, 22 98, 52 80, 56 0!, 56 98"),
    StrokeShape(1, "6 0, 6 100!, 8 60, 34 40, 52 56, 54 100"),
    StrokeShape(1, "6 0, 6 100 | 50 36, 8 68!, 54 100"),
    StrokeShape(1, "4 30, 4 100 | 4 50, 24 32, 36 50, 36 100!, 38 50, 58 32, 70 50, 70 100"),
    StrokeShape(1, "2 32, 28 98!, 56 32"),
  ]

  private static let learningMarks: [StrokeShape] = [
    StrokeShape(1, "0 50, 80 50 | 40 10, 40 90"),
    StrokeShape(1, "0 35, 80 35 | 0 65, 80 65"),
    StrokeShape(1, "20 0, 10 100 | 55 0, 45 100 | 0 33, 66 33 | 0 66, 64 66"),
    StrokeShape(1, "0 50, 100 50 | 74 28, 100 50!, 74 72"),
    StrokeShape(1, "0 0, 70 0!, 70 70!, 0 70!, 0 0"),
  ]

  private static let trialMarks: [StrokeShape] = [
    StrokeShape(1, "0 60, 30 95!, 90 0"),
    StrokeShape(1, "35 0, 70 80!, 0 80!, 35 0"),
    StrokeShape(1, "0 30, 90 30 | 30 0, 60 80 | 60 0, 30 80"),
    StrokeShape(1, "0 80, 25 10!, 50 80!, 75 10!, 100 80"),
  ]

  private static func letter(
    _ height: Float, _ radius: Float, _ alphabet: Alphabet, _ draws: inout Draws
  ) -> InkSprite? {
    let shapes = alphabet == .learning ? learningLetters : trialLetters
    return drawn(shapes[draws.below(shapes.count)], height, radius, &draws)
  }

  private static func mark(
    _ height: Float, _ radius: Float, _ alphabet: Alphabet, _ draws: inout Draws
  ) -> InkSprite? {
    let shapes = alphabet == .learning ? learningMarks : trialMarks
    return drawn(shapes[draws.below(shapes.count)], height * draws.between(0.6, 1), radius, &draws)
  }

  private static func drawn(
    _ shape: StrokeShape, _ height: Float, _ radius: Float, _ draws: inout Draws
  ) -> InkSprite? {
    let jitter = draws.between(0.015, 0.05)
    let slant = draws.between(-0.15, 0.4)
    let width = draws.between(0.8, 1.25)
    var strokes: [[SIMD2<Float>]] = [[]]
    for point in shape.points {
      var p = point.position + SIMD2(draws.normal(), draws.normal()) * jitter
      p.x = p.x * width - slant * (p.y - 0.5)
      strokes[strokes.count - 1].append(p * height)
      // A corner ends one curve and begins the next.
      if point.endsStroke { strokes.append([]) } else if point.isCorner { strokes.append([p * height]) }
    }
    return InkSprite(strokes: strokes.filter { !$0.isEmpty }, radius: radius)
  }

  private static func word(
    _ height: Float, _ radius: Float, _ alphabet: Alphabet, _ draws: inout Draws
  ) -> InkSprite? {
    let letters = (0..<3 + draws.below(5)).compactMap { _ in
      letter(height * draws.between(0.8, 1), radius, alphabet, &draws)
    }
    var word = InkSprite(
      width: letters.reduce(0) { $0 + $1.width } + letters.count * Int(height / 3),
      height: Int(height * 1.5) + 4)
    var x = 0
    for letter in letters {
      word.add(letter, x: x, y: max(Int(height * 1.2) - letter.height, 0))
      x += letter.width + Int(height * draws.between(-0.02, 0.25))
    }
    return word.trimmed()
  }

  /// A letter of no alphabet: a few straight or bent strokes between the points of a grid.
  private static func glyph(_ height: Float, _ radius: Float, _ draws: inout Draws) -> InkSprite? {
    let width = draws.between(0.6, 1)
    func point() -> SIMD2<Float> {
      let grid = SIMD2(Float(draws.below(3)) / 2, Float(draws.below(3)) / 2)
      return (grid + SIMD2(draws.normal(), draws.normal()) * 0.05) * SIMD2(width, 1) * height
    }
    var strokes: [[SIMD2<Float>]] = []
    for _ in 0..<2 + draws.below(2) {
      let points = (0..<2 + draws.below(3)).map { _ in point() }
      if draws.uniform() < 0.6 {
        strokes += zip(points, points.dropFirst()).map { [$0, $1] }
      } else {
        strokes.append(points)
      }
    }
    return InkSprite(strokes: strokes, radius: radius)
  }

  private static func scribble(_ height: Float, _ radius: Float, _ draws: inout Draws) -> InkSprite? {
    let size = SIMD2(height * draws.between(0.7, 2), height)
    // With fewer turns it might be a digit.
    let points = (0..<9 + draws.below(12)).map { _ in SIMD2(draws.uniform(), draws.uniform()) * size }
    return InkSprite(strokes: [points], radius: radius)
  }

  private static func blot(_ height: Float, _ draws: inout Draws) -> InkSprite? {
    let size = height * draws.between(0.25, 0.9)
    var blot = InkSprite(width: Int(size * 3) + 8, height: Int(size * 3) + 8)
    for _ in 0..<3 + draws.below(6) {
      let radius = size * draws.between(0.15, 0.4)
      let middle =
        SIMD2(Float(blot.width), Float(blot.height)) / 2
        + SIMD2(draws.normal(), draws.normal()) * (size * 0.22)
      let disc = InkSprite(strokes: [[middle]], radius: radius)
      if let disc {
        blot.add(disc, x: Int(middle.x) - disc.width / 2, y: Int(middle.y) - disc.height / 2)
      }
    }
    return blot.trimmed()
  }

  private static func line(_ height: Float, _ radius: Float, _ draws: inout Draws) -> InkSprite? {
    let length = height * draws.between(1.5, 6)
    let bend = height * draws.between(-0.1, 0.1)
    return InkSprite(
      strokes: [[SIMD2(0, 0), SIMD2(length / 2, bend), SIMD2(length, height * draws.between(-0.2, 0.2))]],
      radius: radius)
  }

  private static func stamp(_ height: Float, _ radius: Float, _ draws: inout Draws) -> InkSprite? {
    let size = height * draws.between(1.6, 2.6)
    // Eight points of a circle, and back to the first ones.
    let eighth = Float(0.70710677)
    let circle = [
      SIMD2<Float>(1, 0), SIMD2(eighth, eighth), SIMD2(0, 1), SIMD2(-eighth, eighth), SIMD2(-1, 0),
      SIMD2(-eighth, -eighth), SIMD2(0, -1), SIMD2(eighth, -eighth), SIMD2(1, 0),
    ].map { ($0 + 1) * (size / 2) }
    var strokes = [circle]
    for _ in 0..<2 + draws.below(3) {
      let y = size * draws.between(0.3, 0.7)
      strokes.append([SIMD2(size * 0.2, y), SIMD2(size * 0.8, y + draws.normal() * size * 0.05)])
    }
    return InkSprite(strokes: strokes, radius: radius)
  }
}
