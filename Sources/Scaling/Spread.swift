/// A median and the range it comes from.
package struct Spread: Hashable, Sendable {
  /// The middle value, or the mean of the two in the middle.
  package let median: Double
  /// The least value.
  package let least: Double
  /// The greatest value.
  package let most: Double

  /// Of at least one value; all zero for none.
  package init(_ values: [Double]) {
    let sorted = values.sorted()
    least = sorted.first ?? 0
    most = sorted.last ?? 0
    let middle = sorted.count / 2
    median =
      sorted.isEmpty
      ? 0 : sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
