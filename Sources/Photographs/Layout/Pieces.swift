/// The ink of a row, cut wherever a digit might end: more often than digits do. Which cuts hold is decided by what the
/// parts look like (Casey, Lecolinet, "A Survey of Methods and Strategies in Character Segmentation", 1996, "recognition
/// based segmentation").
struct Pieces {
  struct Piece {
    var left: Int
    var top: Int
    /// One beyond the last column, and row.
    var right: Int
    var bottom: Int
    var area: Int
    var component: Int32
    /// Sum of contrast.
    var contrastSum: Int

    var middle: Float { Float(left + right) / 2 }
  }

  /// From left to right.
  private(set) var all: [Piece] = []
  /// For each pixel of the strip its piece's number, from 1; 0 for paper.
  private(set) var owners: Plane<Int32>

  /// A piece of ink is cut at most so often.
  private static let mostCuts = 18
  /// How far cuts lean: columns per row.
  private static let leanings: [Float] = [-0.3, 0, 0.3, 0.6]

  private struct Cut {
    /// Where it crosses the middle of the component, and how it leans.
    var place: Float
    var lean: Float
    /// Pixels of ink that it crosses.
    var ink: Int

    func place(at y: Int, _ middle: Float) -> Float { place + lean * (middle - Float(y)) }
  }

  private struct Box {
    var (left, top, right, bottom) = (Int.max, Int.max, 0, 0)

    mutating func add(_ x: Int, _ y: Int) {
      (left, top, right, bottom) = (min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1))
    }
  }

  init(_ strip: RowStrip) {
    owners = Plane(width: strip.width, height: strip.height, repeating: 0)
    var boxes: [Int32: Box] = [:]
    for y in 0..<strip.height {
      for x in 0..<strip.width where strip.labels[x, y] != 0 {
        boxes[strip.labels[x, y], default: Box()].add(x, y)
      }
    }
    var numbered: [Int32: (first: Int32, cuts: [Cut], middle: Float)] = [:]
    var count: Int32 = 0
    for (label, box) in boxes.sorted(by: { $0.key < $1.key }) {
      let cuts = Self.cuts(strip, label, box)
      numbered[label] = (count + 1, cuts, Float(box.top + box.bottom - 1) / 2)
      count += Int32(cuts.count) + 1
    }
    var pieces = [Piece](
      repeating: Piece(left: .max, top: .max, right: 0, bottom: 0, area: 0, component: 0, contrastSum: 0),
      count: Int(count))
    for y in 0..<strip.height {
      for x in 0..<strip.width {
        let label = strip.labels[x, y]
        guard label != 0, let (first, cuts, middle) = numbered[label] else { continue }
        var number = first
        for cut in cuts where Float(x) >= cut.place(at: y, middle) { number += 1 }
        owners[x, y] = number
        let n = Int(number) - 1
        pieces[n].left = min(pieces[n].left, x)
        pieces[n].top = min(pieces[n].top, y)
        pieces[n].right = max(pieces[n].right, x + 1)
        pieces[n].bottom = max(pieces[n].bottom, y + 1)
        pieces[n].area += 1
        pieces[n].component = label
        pieces[n].contrastSum += Int(strip.contrast[x, y])
      }
    }
    // Numbers go from left to right.
    let order = pieces.indices.filter { pieces[$0].area > 0 }.sorted { pieces[$0].middle < pieces[$1].middle }
    var renumbered = [Int32](repeating: 0, count: pieces.count + 1)
    for (place, old) in order.enumerated() { renumbered[old + 1] = Int32(place + 1) }
    for i in owners.values.indices { owners.values[i] = renumbered[Int(owners.values[i])] }
    all = order.map { pieces[$0] }
  }

  /// Where a wide piece of ink is thin from top to bottom, from left to right.
  private static func cuts(_ strip: RowStrip, _ label: Int32, _ box: Box) -> [Cut] {
    let (width, height) = (box.right - box.left, box.bottom - box.top)
    guard Float(width) > 0.5 * RowStrip.rowHeight, height > 8, Float(width) < 12 * RowStrip.rowHeight else {
      return []
    }
    let middle = Float(box.top + box.bottom - 1) / 2
    let most = Int(0.45 * RowStrip.rowHeight)
    var found: [Cut] = []
    for lean in leanings {
      var crossed = [Int](repeating: 0, count: width)
      for y in box.top..<box.bottom {
        let shift = lean * (middle - Float(y))
        for x in box.left..<box.right where strip.labels[x, y] == label {
          // The column of the cut that passes here.
          let column = Int((Float(x) - shift).rounded()) - box.left
          if column >= 0, column < width { crossed[column] += 1 }
        }
      }
      for x in 3..<max(width - 3, 3) {
        let here = crossed[x]
        guard here <= most, here <= crossed[x - 1], here < crossed[x + 1] || here <= crossed[x - 2],
          here < max(crossed[max(x - 4, 0)...x].max() ?? 0, crossed[x...min(x + 4, width - 1)].max() ?? 0)
        else { continue }
        found.append(Cut(place: Float(box.left + x), lean: lean, ink: here))
      }
    }
    found.sort { ($0.ink, abs($0.lean), $0.place) < ($1.ink, abs($1.lean), $1.place) }
    var cuts: [Cut] = []
    let limit = min(mostCuts, Int(4 * Float(width) / RowStrip.rowHeight) + 1)
    for cut in found where cuts.count < limit {
      let isFree = cuts.allSatisfy { other in
        let top = cut.place(at: box.top, middle) - other.place(at: box.top, middle)
        let bottom = cut.place(at: box.bottom, middle) - other.place(at: box.bottom, middle)
        return top * bottom > 0 && abs(cut.place - other.place) > 0.11 * RowStrip.rowHeight
      }
      if isFree { cuts.append(cut) }
    }
    return cuts.sorted { $0.place < $1.place }
  }
}
