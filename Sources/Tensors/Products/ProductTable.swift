internal import Synchronization

/// What has been found about shapes of products, for all threads: a table of some places, without a lock, since it is
/// asked before every product.
///
/// Unchecked: the memory is only touched atomically.
package final class ProductTable: @unchecked Sendable {
  /// A shape's key, with the highest bit set if OpenBLAS computes it. Zero is a free place.
  private let entries: UnsafeMutablePointer<Atomic<UInt64>>

  private static let bits = 10
  private static let byOpenBLAS: UInt64 = 1 << 63

  package init() {
    entries = .allocate(capacity: 1 << Self.bits)
    for place in 0..<1 << Self.bits { (entries + place).initialize(to: Atomic(0)) }
  }

  deinit {
    entries.deinitialize(count: 1 << Self.bits)
    entries.deallocate()
  }

  /// Whether OpenBLAS computes products of a shape, as `find` says when it is first asked for; false where there is no
  /// place left.
  @inline(__always)
  package func isByOpenBLAS(_ key: UInt64, find: () -> Bool) -> Bool {
    // Fibonacci hashing (Knuth, volume 3, §6.4); then the next places.
    var place = Int((key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - Self.bits))
    for _ in 0..<8 {
      let entry = entries[place].load(ordering: .relaxed)
      if entry & ~Self.byOpenBLAS == key { return entry >= Self.byOpenBLAS }
      if entry == 0 {
        // Threads that meet here at once find at once; whose finding stays does not matter.
        let isTheirs = find()
        entries[place].store(key | (isTheirs ? Self.byOpenBLAS : 0), ordering: .relaxed)
        return isTheirs
      }
      place = (place + 1) & (1 << Self.bits - 1)
    }
    return false
  }
}
