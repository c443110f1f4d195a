/// A piece of connected ink.
struct Component {
  /// Its number in the map of labels, from 1.
  let label: Int32
  var left: Int
  var top: Int
  /// One beyond the last column.
  var right: Int
  /// One beyond the last row.
  var bottom: Int
  var area: Int
  /// Sum of its pixels' contrast.
  var contrastSum: Int
  /// How many of its pixels have paper beside, above or below them.
  var edge = 0

  var width: Int { right - left }
  var height: Int { bottom - top }
  var centre: SIMD2<Float> { SIMD2(Float(left + right), Float(top + bottom)) / 2 }
  /// Its mean contrast, 0...255.
  var contrast: Float { Float(contrastSum) / Float(max(area, 1)) }
  /// How wide its strokes are, in pixels: a long stroke has two edges.
  var strokeWidth: Float { 2 * Float(area) / Float(max(edge, 1)) }
}

/// The connected pieces of a picture's ink, and which pixel belongs to which.
struct Components {
  /// 0 where there is no ink, else a component's label, [height, width].
  private(set) var labels: Plane<Int32>
  /// By label: component n has label n + 1.
  private(set) var all: [Component] = []

  /// Two passes over the rows with a union of labels that meet, neighbours across corners included (Rosenfeld, Pfaltz,
  /// "Sequential Operations in Digital Picture Processing", 1966).
  init(_ ink: InkMap) {
    let (width, height) = (ink.isInk.width, ink.isInk.height)
    labels = Plane<Int32>(width: width, height: height, repeating: 0)
    var parents: [Int32] = [0]
    func root(_ label: Int32) -> Int32 {
      var label = label
      while parents[Int(label)] != label {
        parents[Int(label)] = parents[Int(parents[Int(label)])]
        label = parents[Int(label)]
      }
      return label
    }
    ink.isInk.values.withUnsafeBufferPointer { ink in
      labels.values.withUnsafeMutableBufferPointer { labels in
        for y in 0..<height {
          for x in 0..<width where ink[y * width + x] {
            let i = y * width + x
            var label: Int32 = 0
            func meet(_ other: Int32) {
              guard other != 0, other != label else { return }
              if label == 0 {
                label = other
              } else {
                let (a, b) = (root(label), root(other))
                label = min(a, b)
                parents[Int(max(a, b))] = label
              }
            }
            if x > 0 { meet(labels[i - 1]) }
            if y > 0 {
              if x > 0 { meet(labels[i - width - 1]) }
              meet(labels[i - width])
              if x + 1 < width { meet(labels[i - width + 1]) }
            }
            if label == 0 {
              label = Int32(parents.count)
              parents.append(label)
            }
            labels[i] = label
          }
        }
      }
    }
    var numbers = [Int32](repeating: 0, count: parents.count)
    for label in 1..<max(parents.count, 1) {
      let top = root(Int32(label))
      if numbers[Int(top)] == 0 {
        all.append(
          Component(
            label: Int32(all.count + 1), left: .max, top: .max, right: 0, bottom: 0, area: 0, contrastSum: 0))
        numbers[Int(top)] = Int32(all.count)
      }
      numbers[label] = numbers[Int(top)]
    }
    for y in 0..<height {
      for x in 0..<width {
        let i = y * width + x
        guard labels.values[i] != 0 else { continue }
        let label = numbers[Int(labels.values[i])]
        labels.values[i] = label
        let n = Int(label) - 1
        all[n].left = min(all[n].left, x)
        all[n].right = max(all[n].right, x + 1)
        all[n].top = min(all[n].top, y)
        all[n].bottom = y + 1
        all[n].area += 1
        all[n].contrastSum += Int(ink.contrast.values[i])
        let inside =
          x > 0 && x + 1 < width && y > 0 && y + 1 < height && ink.isInk.values[i - 1]
          && ink.isInk.values[i + 1]
          && ink.isInk.values[i - width] && ink.isInk.values[i + width]
        if !inside { all[n].edge += 1 }
      }
    }
  }
}
