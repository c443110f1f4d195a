/// Pieces of ink that stand in one line.
struct TextRow {
  /// From left to right.
  var components: [Component]
  /// The line through their middles: y = `offset` + `slope` · x.
  var slope: Float
  var offset: Float
  /// The median height of those that are no specks, in pixels.
  var height: Float

  func middle(at x: Float) -> Float { offset + slope * x }
}

/// Finds the rows of a picture.
struct RowFinder {
  private let width: Int
  private let height: Int
  /// Pieces that may be digits, or parts of them.
  private let components: [Component]
  /// Pieces that are faint or thin for this page, and may be digits if they stand among others.
  private let thin: [Component]

  /// Smaller pieces make no row of their own.
  private static let leastHeight = 10
  private static let steepest: Float = 0.4

  init(_ components: Components) {
    width = components.labels.width
    height = components.labels.height
    (self.components, thin) = Self.plausible(components.all, width, height)
  }

  /// Leaves out what is fainter than the page's pen by far (the weave of paper, print that shines through), specks, and
  /// what reaches in from outside (the edge of the paper, a hand, a shadow).
  private static func plausible(
    _ all: [Component], _ width: Int, _ height: Int
  ) -> (components: [Component], thin: [Component]) {
    guard let pen = Pen(all, width, height) else { return ([], []) }
    var (components, thin): ([Component], [Component]) = ([], [])
    for piece in all where piece.area >= 5 && piece.contrast >= pen.leastContrast {
      let touches = piece.left == 0 || piece.top == 0 || piece.right == width || piece.bottom == height
      let isLarge = piece.width * 3 > width || piece.height * 3 > height
      let fills = piece.width * 20 > width * 19 || piece.height * 20 > height * 19
      guard !(touches && isLarge), !fills else { continue }
      if pen.isThin(piece) { thin.append(piece) } else { components.append(piece) }
    }
    return (components, thin)
  }

  /// What the page is written with.
  private struct Pen {
    /// How strong its strokes are, and how wide.
    private let contrast: Float
    private let width: Float
    /// What is fainter was not written.
    let leastContrast: Float

    /// Pieces so large, in pixels, tell how strong writing is; it takes two of them.
    private static let leastArea = 60
    /// Beside strong writing whatever has less than this of its contrast is the rest of a ruling, up to a contrast that
    /// only pencils and pens have.
    private static let faintShare: Float = 0.45
    private static let mostFaint: Float = 56

    /// nil if there is nothing that may be writing.
    init?(_ all: [Component], _ pictureWidth: Int, _ pictureHeight: Int) {
      let whole = all.filter { $0.height >= leastHeight && $0.area > 12 }
      // The paper's ruling, where it was not taken out, is one large piece; but so is a digit that fills the picture.
      let small = whole.filter { $0.width * 3 < pictureWidth && $0.height * 3 < pictureHeight }
      let pieces = (small.isEmpty ? whole : small).sorted { $0.contrast < $1.contrast }
      let ink = pieces.reduce(0) { $0 + $1.area }
      var seen = 0
      let level = pieces.first {
        seen += $0.area
        return seen * 20 >= ink * 17
      }?.contrast
      guard let level else { return nil }
      contrast = level
      let strong = pieces.filter { $0.contrast >= 0.8 * level }.map(\.strokeWidth).sorted()
      width = strong.isEmpty ? 0 : strong[strong.count / 2]
      let writing = pieces.filter { $0.area >= Self.leastArea }.suffix(2).first?.contrast ?? 0
      leastContrast = max(min(Self.faintShare * writing, Self.mostFaint), 0.38 * level)
    }

    /// Whether it may be what is left of ruled lines, straight, thin and faint, or any piece of ink far thinner and fainter
    /// than others.
    func isThin(_ piece: Component) -> Bool {
      let isBar = Float(min(piece.width, piece.height)) < 2.5 * width
      return isBar && piece.contrast < 0.75 * contrast && piece.strokeWidth < 0.8 * width
        || piece.contrast < 0.62 * contrast && piece.strokeWidth < 0.65 * width
    }
  }

  /// The rows, from top to bottom.
  func rows() -> [TextRow] {
    let large = components.filter { $0.height >= Self.leastHeight }.sorted { $0.left < $1.left }
    var groups = chains(large).map { row(of: $0, pageSlope: nil) }
    let pageSlope = commonSlope(groups)
    groups = groups.map { row(of: $0.components, pageSlope: pageSlope) }
    groups = joined(groups, pageSlope)
    attach(&groups)
    attachThin(&groups)
    let middle = Float(width) / 2
    return groups.sorted { $0.middle(at: middle) < $1.middle(at: middle) }
  }

  /// Each piece goes on to its nearest neighbour to the right, if that takes it for its own nearest to the left.
  private func chains(_ pieces: [Component]) -> [[Component]] {
    var right = [Int?](repeating: nil, count: pieces.count)
    var left = right
    var rightGap = [Float](repeating: .infinity, count: pieces.count)
    var leftGap = rightGap
    for i in pieces.indices {
      let a = pieces[i]
      for j in pieces.indices where j != i {
        let b = pieces[j]
        guard b.centre.x > a.centre.x || (b.centre.x == a.centre.x && j > i) else { continue }
        let (least, most) = (Float(min(a.height, b.height)), Float(max(a.height, b.height)))
        let gap = Float(b.left - a.right)
        guard gap <= 2.2 * most, most <= 3 * least else { continue }
        let overlap = Float(min(a.bottom, b.bottom) - max(a.top, b.top))
        guard overlap >= 0.35 * least else { continue }
        let distance = max(gap, 0) + 0.5 * abs(a.centre.y - b.centre.y)
        if distance < rightGap[i] { (rightGap[i], right[i]) = (distance, j) }
        if distance < leftGap[j] { (leftGap[j], left[j]) = (distance, i) }
      }
    }
    var chains: [[Component]] = []
    for i in pieces.indices {
      if let before = left[i], right[before] == i { continue }
      var chain = [pieces[i]]
      var last = i
      while let next = right[last], left[next] == last {
        chain.append(pieces[next])
        last = next
      }
      chains.append(chain)
    }
    return chains
  }

  /// A line through pieces by least squares; few of them follow the page's.
  private func row(of pieces: [Component], pageSlope: Float?) -> TextRow {
    let heights = pieces.map { Float($0.height) }.sorted()
    let height = heights[heights.count / 2]
    let whole = pieces.filter { Float($0.height) > 0.5 * height }
    let mean = whole.reduce(SIMD2<Float>.zero) { $0 + $1.centre } / Float(whole.count)
    var (xx, xy): (Float, Float) = (0, 0)
    for piece in whole {
      let d = piece.centre - mean
      xx += d.x * d.x
      xy += d.x * d.y
    }
    // As if the page's slope had been seen over a few heights.
    let weight = pageSlope == nil ? 0 : 12 * height * height
    var slope = xx + weight > 0 ? (xy + weight * (pageSlope ?? 0)) / (xx + weight) : 0
    slope = min(max(slope, -Self.steepest), Self.steepest)
    return TextRow(
      components: pieces.sorted { $0.centre.x < $1.centre.x }, slope: slope, offset: mean.y - slope * mean.x,
      height: height)
  }

  /// The median slope of rows of three and more, by their pieces.
  private func commonSlope(_ rows: [TextRow]) -> Float {
    let long = rows.filter { $0.components.count >= 3 }.sorted { $0.slope < $1.slope }
    let half = long.reduce(0) { $0 + $1.components.count } / 2
    var seen = 0
    for row in long {
      seen += row.components.count
      if seen > half { return row.slope }
    }
    return 0
  }

  /// Joins what stands on one line with a wide gap in between.
  private func joined(_ rows: [TextRow], _ pageSlope: Float) -> [TextRow] {
    var rows = rows
    var i = 0
    while i < rows.count {
      var j = i + 1
      while j < rows.count {
        if areOne(rows[i], rows[j]) {
          let both = rows[i].components + rows[j].components
          rows[i] = row(of: both, pageSlope: pageSlope)
          rows.remove(at: j)
          j = i + 1
        } else {
          j += 1
        }
      }
      i += 1
    }
    return rows
  }

  private func areOne(_ a: TextRow, _ b: TextRow) -> Bool {
    let least = min(a.height, b.height)
    guard max(a.height, b.height) < 2.2 * least else { return false }
    func middle(_ row: TextRow) -> SIMD2<Float> {
      row.components.reduce(SIMD2<Float>.zero) { $0 + $1.centre } / Float(row.components.count)
    }
    let (ma, mb) = (middle(a), middle(b))
    let apart = (abs(a.middle(at: mb.x) - mb.y) + abs(b.middle(at: ma.x) - ma.y)) / 2
    return apart < 0.42 * least
  }

  /// Gives specks and short strokes to the row that they stand in: they may be parts of its digits.
  private func attach(_ rows: inout [TextRow]) {
    let tallest = rows.map(\.height).max() ?? 0
    // Rows of nothing but small pieces, beside a row of whole ones, are such strokes too.
    var loose = components.filter { $0.height < Self.leastHeight }
    rows = rows.filter { row in
      let isSmall = row.components.count <= 2 && row.height < 0.5 * tallest
      let host = rows.contains { other in
        other.height > 1.9 * row.height && row.components.contains { stands($0, in: other) }
      }
      if isSmall && host { loose += row.components }
      return !(isSmall && host)
    }
    for piece in loose {
      let host = rows.indices.filter { stands(piece, in: rows[$0]) }.min {
        abs(rows[$0].middle(at: piece.centre.x) - piece.centre.y)
          < abs(rows[$1].middle(at: piece.centre.x) - piece.centre.y)
      }
      if let host { rows[host].components.append(piece) }
    }
    for i in rows.indices { rows[i].components.sort { $0.centre.x < $1.centre.x } }
  }

  /// Gives thin and faint pieces that are as high as digits to the row that they stand in.
  private func attachThin(_ rows: inout [TextRow]) {
    for piece in thin {
      let host = rows.firstIndex { row in
        abs(row.middle(at: piece.centre.x) - piece.centre.y) < 0.3 * row.height
          && (0.6...1.5).contains(Float(piece.height) / row.height)
          && row.components.contains { whole in
            Float(max(piece.left - whole.right, whole.left - piece.right)) < 1.2 * row.height
              && whole.height >= Self.leastHeight
          }
      }
      if let host { rows[host].components.append(piece) }
    }
    for i in rows.indices { rows[i].components.sort { $0.centre.x < $1.centre.x } }
  }

  private func stands(_ piece: Component, in row: TextRow) -> Bool {
    abs(row.middle(at: piece.centre.x) - piece.centre.y) < 0.75 * row.height
      && row.components.contains { whole in
        Float(max(piece.left - whole.right, whole.left - piece.right)) < 0.5 * row.height
      }
  }
}
