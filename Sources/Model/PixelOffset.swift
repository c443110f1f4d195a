/// A move by whole pixels.
package struct PixelOffset: Hashable, Sendable {
  /// Columns, negative to the left.
  package var right: Int
  /// Rows, negative upwards.
  package var down: Int

  /// A move by so many columns and rows.
  package init(right: Int, down: Int) {
    self.right = right
    self.down = down
  }

  /// None.
  package static let zero = PixelOffset(right: 0, down: 0)

  /// The moves that average predictions: `count` of them, an odd number up to `most`, none first, then the shortest, each
  /// followed by its opposite, so that an image is moved nowhere on the whole. Five are the image and its four moves by
  /// one pixel, nine the 3 × 3 around it.
  package static func nearest(_ count: Int) -> [PixelOffset] {
    precondition((1...most).contains(count) && count % 2 == 1, "\(count) moves")
    let reach = -2...2
    let halves = reach.flatMap { down in reach.map { PixelOffset(right: $0, down: down) } }
      .filter { ($0.down, $0.right) > (0, 0) }
      .sorted { ($0.squaredLength, $0.down, $0.right) < ($1.squaredLength, $1.down, $1.right) }
    let pairs = halves.flatMap { [$0, PixelOffset(right: -$0.right, down: -$0.down)] }
    return Array(([.zero] + pairs).prefix(count))
  }

  /// The most moves: by up to two pixels across and down.
  package static let most = 25

  private var squaredLength: Int { right * right + down * down }
}
