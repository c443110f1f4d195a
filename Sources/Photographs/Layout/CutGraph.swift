/// All parts that straight cuts, leaning any way, make of ink that hangs together: what two cuts that do not cross have
/// between them.
///
/// `Pieces` has one chain of cuts for a piece of ink, and a cut that is taken rules out those that cross it. Here cuts may
/// cross; only those of one way through the ink must not.
struct CutGraph {
  /// The ink between two cuts, or between a cut and an end.
  struct Part {
    /// The cuts at its ends, by number; 0 and `cutCount` + 1 are the ends of the ink.
    var first: Int
    var last: Int
    /// In pixels of the strip.
    var box: StripBox
    /// Which pixels of its box belong to it: 1, and 0 for others, [height, width].
    var members: Plane<Int32>
    var area: Int
    var contrastSum: Int
  }

  /// A line x = `place` + `lean` · (middle of the ink - y).
  private struct Cut {
    var place: Float
    var lean: Float
    var cost: Float
    /// Pixels of ink to its left.
    var before = 0
  }

  private static let leanings: [Float] = [-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8]
  /// What it counts, in pixels of ink, to cross a second stroke: digits touch once.
  private static let secondStroke: Float = 8
  /// A cut costs at most so much.
  private static let mostCost: Float = 0.8 * RowStrip.rowHeight
  /// So many cuts at most for ink as wide as its row is high.
  private static let cutsPerHeight: Float = 16
  /// Two cuts part the ink differently in at least so many pixels.
  private static let leastDifference = 12
  /// A part has at least so much ink, in pixels.
  private static let leastInk = 30
  /// No part is wider, in heights of the row.
  private static let mostWidth: Float = 1.4

  /// How many cuts there are, without the ends.
  let cutCount: Int
  private(set) var parts: [Part] = []

  /// Cuts the ink of the components with these labels.
  init(_ strip: RowStrip, labels: Set<Int32>) {
    var ink: [(x: Int, y: Int)] = []
    for y in 0..<strip.height {
      for x in 0..<strip.width where strip.labels[x, y] != 0 && labels.contains(strip.labels[x, y]) {
        ink.append((x, y))
      }
    }
    guard !ink.isEmpty else {
      cutCount = 0
      return
    }
    let box = StripBox(ink)
    let middle = Float(box.top + box.bottom - 1) / 2
    func column(_ cut: Cut, _ y: Int) -> Float { cut.place + cut.lean * (middle - Float(y)) }
    // The cheapest of those that part the ink alike.
    let limit = Int(Self.cutsPerHeight * Float(box.right - box.left) / RowStrip.rowHeight)
    var cuts: [Cut] = []
    var sides: [[Bool]] = []
    for var cut in Self.cuts(ink, box) where cuts.count < limit {
      let side = ink.map { Float($0.x) < column(cut, $0.y) }
      cut.before = side.count { $0 }
      guard cut.before >= Self.leastInk, ink.count - cut.before >= Self.leastInk,
        sides.allSatisfy({ zip($0, side).count(where: !=) >= Self.leastDifference })
      else { continue }
      cuts.append(cut)
      sides.append(side)
    }
    cuts.sort { ($0.before, $0.place) < ($1.before, $1.place) }
    cutCount = cuts.count
    let end = cutCount + 1
    for first in 0..<end {
      for last in first + 1...end {
        let left = first > 0 ? cuts[first - 1] : nil
        let right = last < end ? cuts[last - 1] : nil
        if let left, let right {
          guard right.before - left.before >= Self.leastInk, column(left, box.top) <= column(right, box.top),
            column(left, box.bottom) <= column(right, box.bottom)
          else { continue }
        }
        let members = ink.filter { place in
          (left.map { Float(place.x) >= column($0, place.y) } ?? true)
            && (right.map { Float(place.x) < column($0, place.y) } ?? true)
        }
        let part = StripBox(members)
        guard Float(part.right - part.left) <= Self.mostWidth * RowStrip.rowHeight else { continue }
        var plane = Plane<Int32>(width: part.right - part.left, height: part.bottom - part.top, repeating: 0)
        var contrastSum = 0
        for place in members {
          plane[place.x - part.left, place.y - part.top] = 1
          contrastSum += Int(strip.contrast[place.x, place.y])
        }
        parts.append(
          Part(
            first: first, last: last, box: part, members: plane, area: members.count, contrastSum: contrastSum
          ))
      }
    }
  }

  /// Lines that cross little ink, each the best of those beside it, the cheapest first.
  private static func cuts(_ ink: [(x: Int, y: Int)], _ box: StripBox) -> [Cut] {
    let (width, height) = (box.right - box.left, box.bottom - box.top)
    let middle = Float(box.top + box.bottom - 1) / 2
    var isInk = [Bool](repeating: false, count: width * height)
    for place in ink { isInk[(place.y - box.top) * width + place.x - box.left] = true }
    var found: [Cut] = []
    for lean in leanings {
      var costs = [Float](repeating: 0, count: width)
      for place in 0..<width {
        var (crossed, strokes, wasInk) = (0, 0, false)
        for y in 0..<height {
          let x = Int((Float(place) + lean * (middle - Float(y + box.top))).rounded())
          let isHere = x >= 0 && x < width && isInk[y * width + x]
          if isHere { crossed += 1 }
          if isHere && !wasInk { strokes += 1 }
          wasInk = isHere
        }
        costs[place] = Float(crossed) + secondStroke * Float(max(strokes - 1, 0))
      }
      for place in 2..<max(width - 2, 2) {
        let near = costs[max(place - 3, 0)...min(place + 3, width - 1)]
        if costs[place] <= mostCost, costs[place] <= (near.min() ?? 0),
          costs[place] < costs[place - 1] || place == 2
        {
          found.append(Cut(place: Float(place + box.left), lean: lean, cost: costs[place]))
        }
      }
    }
    found.sort { ($0.cost, abs($0.lean), $0.place) < ($1.cost, abs($1.lean), $1.place) }
    return found
  }
}

/// A part of a strip, in pixels; `right` and `bottom` are one beyond the last.
struct StripBox {
  var left: Int
  var top: Int
  var right: Int
  var bottom: Int

  /// In heights of the row.
  var relativeHeight: Float { Float(bottom - top) / RowStrip.rowHeight }

  init(left: Int, top: Int, right: Int, bottom: Int) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  /// What has all places in it.
  init(_ places: [(x: Int, y: Int)]) {
    self.init(left: .max, top: .max, right: 0, bottom: 0)
    for place in places {
      (left, top) = (min(left, place.x), min(top, place.y))
      (right, bottom) = (max(right, place.x + 1), max(bottom, place.y + 1))
    }
  }
}
