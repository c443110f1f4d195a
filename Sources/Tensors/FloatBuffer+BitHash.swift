extension FloatBuffer {
  /// A hash of the elements' bits, for telling whether two buffers hold the same: if one element differs, it does too.
  ///
  /// As FNV-1a (Fowler, Noll, Vo), with floats for bytes, in four lanes: each step is one-to-one, so that a difference in
  /// one element stays one. It is no defence against anybody who wants two buffers to look the same.
  package func bitHash(startingWith start: UInt64 = 0) -> UInt64 {
    let (prime, offset): (UInt64, UInt64) = (0x0000_0100_0000_01B3, 0xCBF2_9CE4_8422_2325)
    var lanes = SIMD4<UInt64>(repeating: start ^ offset)
    var place = 0
    while place + 4 <= count {
      let floats = UnsafeRawPointer(pointer + place).loadUnaligned(as: SIMD4<UInt32>.self)
      lanes = (lanes ^ SIMD4<UInt64>(truncatingIfNeeded: floats)) &* prime
      place += 4
    }
    var hash = start ^ offset
    for lane in 0..<4 { hash = (hash ^ lanes[lane]) &* prime }
    for place in place..<count { hash = (hash ^ UInt64(pointer[place].bitPattern)) &* prime }
    // Products carry differences to higher bits alone.
    return hash ^ hash >> 32
  }
}
