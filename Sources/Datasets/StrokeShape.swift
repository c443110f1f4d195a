/// One way to write a character: strokes through control points.
///
/// Written as text: points are `x y` in hundredths of the character's height, y pointing down, separated by
/// commas. The pen moves through them on a smooth curve, turns sharply at a point marked `!`, and is lifted
/// at `|`.
package struct StrokeShape: Sendable {
  package struct ControlPoint: Sendable {
    package var position: SIMD2<Float>
    /// The curve may turn sharply here.
    package var isCorner: Bool
    /// The pen is lifted after this point.
    package var endsStroke: Bool
  }

  /// How often people write it so, compared to the other shapes of this character.
  package let weight: Float
  package let points: [ControlPoint]

  package init(_ weight: Float, _ text: StaticString) {
    self.weight = weight
    var points: [ControlPoint] = []
    for stroke in "\(text)".split(separator: "|") {
      for word in stroke.split(separator: ",") {
        let isCorner = word.last == "!"
        let numbers = (isCorner ? word.dropLast() : word).split(separator: " ").compactMap { Float($0) }
        precondition(numbers.count == 2, "\"\(word)\" is no control point")
        points.append(
          ControlPoint(
            position: SIMD2(numbers[0] / 100, numbers[1] / 100), isCorner: isCorner, endsStroke: false))
      }
      points[points.count - 1].endsStroke = true
    }
    precondition(points.count <= StrokeShape.maximumCount)
    self.points = points
  }

  /// No shape has more control points.
  package static let maximumCount = 16

  /// The shapes of each digit. Changing one changes all synthetic datasets.
  package static let digits: [[StrokeShape]] = [
    [
      StrokeShape(3, "34 0, 12 14, 2 48, 10 84, 34 100, 56 86, 64 50, 56 14, 36 1"),
      StrokeShape(2, "48 6, 26 2, 6 26, 3 66, 20 97, 46 94, 62 62, 58 22, 40 3, 24 8"),
      StrokeShape(1, "30 4, 8 30, 4 70, 24 98, 52 90, 64 52, 56 16, 42 6"),
    ],
    [
      StrokeShape(4, "10 0, 10 50, 10 100"),
      StrokeShape(1.2, "0 28, 20 0!, 20 100"),
      StrokeShape(0.7, "4 26, 24 0!, 24 100 | 2 100, 46 99"),
    ],
    [
      StrokeShape(3, "4 22, 14 4, 36 0, 56 14, 52 40, 28 72, 2 98!, 34 92, 66 96"),
      StrokeShape(3, "4 24, 16 3, 42 2, 56 20, 46 52, 24 86, 8 98, 2 86, 14 78, 36 92, 68 94"),
      StrokeShape(1, "4 8, 34 0, 56 10, 48 36, 4 98!, 64 98"),
    ],
    [
      StrokeShape(3, "4 12, 24 0, 50 8, 52 30, 24 46!, 54 58, 58 82, 34 100, 2 90"),
      StrokeShape(1.5, "4 12, 24 0, 50 8, 52 30, 24 47, 30 49, 56 62, 56 86, 30 100, 2 90"),
      StrokeShape(1, "6 10, 30 0, 54 12, 44 36, 20 48, 16 42, 30 44, 56 66, 46 94, 22 100, 0 88"),
      StrokeShape(0.7, "4 3, 52 3!, 22 40!, 50 52, 58 76, 36 98, 2 92"),
    ],
    [
      StrokeShape(2, "12 0, 4 50!, 58 48 | 54 4, 48 100"),
      StrokeShape(1.5, "18 2, 2 54!, 64 52 | 50 20, 46 100"),
      StrokeShape(1, "46 0, 0 64!, 66 62 | 46 0, 46 100"),
      StrokeShape(2, "8 0, 4 34, 20 50, 46 44, 56 4!, 52 50, 44 100"),
      StrokeShape(0.7, "44 0, 2 58!, 60 56 | 48 10, 42 100"),
    ],
    [
      StrokeShape(3, "14 2, 10 42!, 36 38, 58 60, 50 92, 24 100, 0 88 | 14 2, 58 0"),
      StrokeShape(2, "58 2, 18 4!, 10 44!, 38 42, 56 64, 44 94, 2 94"),
      StrokeShape(1.5, "58 4, 30 2, 12 18, 22 42, 48 60, 48 88, 22 100, 0 92"),
    ],
    [
      StrokeShape(3, "46 0, 18 24, 2 62, 12 94, 40 98, 54 76, 40 56, 16 62, 4 80"),
      StrokeShape(2, "26 0, 6 50, 4 82, 24 100, 48 88, 46 64, 24 58, 6 74"),
      StrokeShape(1.5, "52 4, 20 16, 2 56, 14 94, 46 94, 54 64, 30 46, 6 62"),
    ],
    [
      StrokeShape(3, "0 6, 56 4!, 36 44, 22 100"),
      StrokeShape(1, "2 20, 4 5!, 58 4!, 24 100"),
      StrokeShape(1, "0 6, 58 4!, 40 44, 24 100 | 16 52, 60 48"),
      StrokeShape(1.5, "0 12, 26 4, 54 8, 48 36, 30 66, 26 100"),
    ],
    [
      StrokeShape(3, "54 14, 30 0, 8 16, 26 44, 54 72, 34 100, 6 82, 26 50, 50 26, 50 8"),
      StrokeShape(1, "30 2, 8 20, 28 46, 52 24, 32 2 | 30 46, 4 72, 28 100, 58 74, 32 46"),
      StrokeShape(2, "50 4, 16 8, 14 32, 50 64, 46 94, 14 96, 10 70, 44 36, 56 10"),
    ],
    [
      StrokeShape(3, "54 14, 30 0, 4 22, 14 46, 38 42, 54 12!, 52 56, 46 100"),
      StrokeShape(1.5, "52 16, 30 2, 6 20, 14 44, 38 42, 54 14, 56 56, 44 94, 14 98"),
      StrokeShape(2, "50 10, 24 0, 4 24, 22 46, 48 30, 52 8!, 44 100"),
      StrokeShape(1, "46 16, 22 2, 4 26, 24 44, 46 20!, 30 100"),
    ],
  ]
}
