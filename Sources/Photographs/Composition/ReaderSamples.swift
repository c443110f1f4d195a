package import Datasets
internal import Tensors

/// Samples that teach a network to read photographs: digits as the reader prepares them, and what its cuts and the paper
/// bring up that is no digit, in three classes: `ReadingClass`.
///
/// A sample is a function of the seed, the split and its number.
package struct ReaderSamples: Sendable {
  /// Whether samples are bent and turned, as those to learn from are.
  package enum Part: Sendable {
    case learning, trial
  }

  private let images: LabelledImages
  private let drawn: LabelledImages?
  private let seed: UInt64
  private let part: Part

  /// - Parameters:
  ///   - images: Handwritten digits, 28 × 28.
  ///   - drawn: More of them, of which one in eight samples is made: ways of writing that the others lack.
  ///   - seed: Which samples.
  ///   - part: What the samples are for.
  package init(digits images: LabelledImages, drawn: LabelledImages?, seed: UInt64, part: Part) {
    (self.images, self.drawn, self.seed, self.part) = (images, drawn, seed, part)
  }

  /// So many are no digits.
  private static let rejectShare: Float = 0.32

  /// Sample number `index`: [28, 28] and its class, 0...12.
  package func sample(_ index: Int) -> (image: [UInt8], label: UInt8) {
    let order: UInt64 = part == .learning ? 0 : 1
    var attempt: UInt64 = 0
    while true {
      var draws = Draws(CounterGenerator(seed: seed, for: .readerSample, order, UInt64(index), attempt))
      if let made = attempted(index, &draws) { return made }
      attempt += 1
    }
  }

  private func attempted(_ index: Int, _ draws: inout Draws) -> (image: [UInt8], label: UInt8)? {
    let isDigit = draws.uniform() >= Self.rejectShare
    guard let sprite = isDigit ? digit(index, &draws) : nil else {
      if isDigit { return nil }
      guard let (sprite, kind) = rejected(&draws), let image = prepared(sprite, &draws) else { return nil }
      return (image, UInt8(kind.rawValue))
    }
    guard let image = prepared(sprite.ink, &draws) else { return nil }
    return (image, sprite.label)
  }

  /// As the reader sees it: a photograph's strokes are rougher than MNIST's.
  private func prepared(_ sprite: InkSprite, _ draws: inout Draws) -> [UInt8]? {
    var preparation = DigitPreparation()
    let stroke =
      part == .learning
      ? DigitPreparation.strokeWidth * draws.between(0.85, 1.2) : DigitPreparation.strokeWidth
    var ink = sprite.cover
    if part == .learning, draws.uniform() < 0.5 {
      // Noise at the edges.
      let depth = draws.between(0, 0.5)
      for i in ink.indices where ink[i] > 0.02 && ink[i] < 0.98 { ink[i] += depth * (draws.uniform() - 0.5) }
    }
    return preparation.prepare(ink, width: sprite.width, height: sprite.height, strokeWidth: stroke)
  }

  /// A digit of those that were given: each as often as any other, then drawn again differently.
  private func digit(_ index: Int, _ draws: inout Draws) -> (ink: InkSprite, label: UInt8)? {
    if part == .trial {
      let place = index % images.count
      let ink = InkSprite(digit: Array(images.image(place)), height: 60, warp: nil, stroke: 1)
      return ink.map { ($0, UInt8(images.labels[place])) }
    }
    guard let (sprite, label) = warped(&draws) else { return nil }
    var ink = sprite
    switch draws.uniform() {
    case ..<0.04:
      // A stroke that broke.
      erase(&ink, radius: Float(ink.height) * draws.between(0.04, 0.08), &draws)
    case ..<0.14:
      // A neighbour's end that a cut left on it.
      if let other = warped(&draws)?.ink, let bit = piece(of: other, 0.03...0.1, &draws) {
        let isBefore = draws.uniform() < 0.5
        ink = beside(isBefore ? bit : ink, isBefore ? ink : bit, touching: true, &draws)
      }
    case ..<0.24:
      // Its own end, which a cut took.
      if let rest = piece(of: ink, 0.9...0.97, &draws) { ink = rest }
    default: break
    }
    return (ink, label)
  }

  private func warped(_ draws: inout Draws) -> (ink: InkSprite, label: UInt8)? {
    var source = images
    if let drawn, draws.uniform() < 0.125 { source = drawn }
    let place = draws.below(source.count)
    let warp = Warp(&draws, strength: draws.between(0.3, 1.15), turn: 0.12)
    let height = draws.between(34, 62)
    let ink = InkSprite(
      digit: Array(source.image(place)), height: height, warp: warp, stroke: draws.between(0.5, 1.7))
    return ink.map { ($0, UInt8(source.labels[place])) }
  }

  private func rejected(_ draws: inout Draws) -> (InkSprite, ReadingClass)? {
    let height = draws.between(36, 60)
    let radius = height / 20 * 1.25 * draws.between(0.6, 1.5)
    let alphabet: Decoy.Alphabet = part == .learning ? .learning : .trial
    func decoy(_ kind: Decoy, _ height: Float, _ radius: Float) -> InkSprite? {
      Decoy.drawn(kind, height: height, radius: radius, alphabet, &draws)
    }
    func other(_ sprite: InkSprite?) -> (InkSprite, ReadingClass)? { sprite.map { ($0, .other) } }
    switch draws.uniform() {
    case ..<0.18:
      // A part of a digit, as a wrong cut leaves it.
      guard let whole = warped(&draws)?.ink, let rest = piece(of: whole, 0.2...0.55, &draws) else {
        return nil
      }
      return isPlain(rest) ? nil : (rest, .part)
    case ..<0.44:
      // Two digits at once, or one and a half.
      guard let a = warped(&draws)?.ink, let b = warped(&draws)?.ink else { return nil }
      let second = draws.uniform() < 0.6 ? b : piece(of: b, 0.35...0.8, &draws)
      guard let second else { return nil }
      let inOrder = draws.uniform() < 0.5
      return (
        beside(inOrder ? a : second, inOrder ? second : a, touching: draws.uniform() < 0.7, &draws), .several
      )
    case ..<0.6: return other(decoy(.letter, height, radius))
    case ..<0.7: return other(decoy(.glyph, height, radius))
    case ..<0.75:
      guard let a = decoy(.letter, height, radius), let b = decoy(.letter, height, radius) else { return nil }
      return other(beside(a, b, touching: true, &draws))
    case ..<0.83:
      // A part of something else, as a cut leaves it.
      let kinds: [Decoy] = [.letter, .letter, .glyph, .stamp, .stamp, .scribble, .mark, .blot]
      guard let whole = decoy(kinds[draws.below(kinds.count)], height, radius),
        let rest = piece(of: whole, 0.3...0.8, &draws)
      else { return nil }
      return isPlain(rest) ? nil : (rest, .other)
    case ..<0.87: return other(decoy(.mark, height, radius))
    case ..<0.91: return other(decoy(.scribble, height, radius))
    case ..<0.95: return other(decoy(.blot, height, radius))
    case ..<0.97: return other(decoy(.line, height, radius))
    default: return other(decoy(.stamp, height / 2, radius * draws.between(0.3, 0.8)))
    }
  }

  /// What is left of ink on one side of a straight cut, mostly from top to bottom: a share of it in `range`.
  private func piece(of ink: InkSprite, _ range: ClosedRange<Float>, _ draws: inout Draws) -> InkSprite? {
    let share = draws.between(range.lowerBound, range.upperBound)
    let isLevel = draws.uniform() < 0.15
    let lean = draws.between(-0.4, 0.4)
    let fromLeft = draws.uniform() < 0.5
    func depth(_ x: Int, _ y: Int) -> Float {
      let (u, v) = isLevel ? (Float(y), Float(x)) : (Float(x), Float(y))
      let middle = Float(isLevel ? ink.width : ink.height) / 2
      return (u - lean * (v - middle)) * (fromLeft ? 1 : -1)
    }
    var depths: [Float] = []
    for y in 0..<ink.height {
      for x in 0..<ink.width where ink.cover[y * ink.width + x] >= 0.5 { depths.append(depth(x, y)) }
    }
    guard depths.count > 10 else { return nil }
    depths.sort()
    let limit = depths[min(Int(share * Float(depths.count)), depths.count - 1)]
    var rest = ink
    for y in 0..<ink.height {
      for x in 0..<ink.width where depth(x, y) > limit { rest.cover[y * ink.width + x] = 0 }
    }
    return rest.trimmed()
  }

  /// A bar that stands, which is a 1 whatever it was cut from.
  private func isPlain(_ ink: InkSprite) -> Bool { ink.width * 5 < ink.height * 3 }

  private func erase(_ ink: inout InkSprite, radius: Float, _ draws: inout Draws) {
    let places = ink.cover.indices.filter { ink.cover[$0] > 0.9 }
    guard !places.isEmpty else { return }
    let place = places[draws.below(places.count)]
    let centre = SIMD2(Float(place % ink.width), Float(place / ink.width))
    for y in 0..<ink.height {
      for x in 0..<ink.width {
        let d = SIMD2(Float(x), Float(y)) - centre
        if (d * d).sum() < radius * radius { ink.cover[y * ink.width + x] = 0 }
      }
    }
  }

  /// Two pieces of ink side by side, meeting or nearly.
  private func beside(_ a: InkSprite, _ b: InkSprite, touching: Bool, _ draws: inout Draws) -> InkSprite {
    let high = max(a.height, b.height)
    let shift = Int(draws.normal() * 0.06 * Float(high))
    let top = (high - a.height) / 2 + 8
    let other = min(max((high - b.height) / 2 + 8 + shift, 0), high + 16 - b.height)
    // How close they come without meeting.
    var gap = a.width
    for row in 0..<b.height {
      let y = row + other - top
      guard y >= 0, y < a.height else { continue }
      let first = (0..<b.width).first { b.cover[row * b.width + $0] > 0.5 }
      let last = (0..<a.width).last { a.cover[y * a.width + $0] > 0.5 }
      if let first, let last { gap = min(gap, first + a.width - last) }
    }
    let room = touching ? -draws.below(3) : 1 + draws.below(6)
    let x = max(a.width - gap + room, 0)
    var both = InkSprite(width: max(x + b.width, a.width), height: high + 16)
    both.add(a, x: 0, y: top)
    both.add(b, x: x, y: other)
    return both
  }
}
