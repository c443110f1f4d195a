/// Counts beyond the C ints that MPI takes.
package enum MPICounts {
  /// `count` elements as ranges of at most `limit` each, in order; none for none.
  package static func pieces(of count: Int, atMost limit: Int = 1 << 30) -> [Range<Int>] {
    stride(from: 0, to: count, by: limit).map { $0..<min($0 + limit, count) }
  }

  /// The bytes that all of these lists of counts are to be counted in: 1 where the sums are within `limit`, else the
  /// largest unit that divides all of them.
  package static func unit(for lists: [[Int]], limit: Int = Int(Int32.max)) -> Int {
    guard lists.contains(where: { $0.reduce(0, +) > limit }) else { return 1 }
    return max(lists.joined().reduce(0, greatestCommonDivisor), 1)
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}
