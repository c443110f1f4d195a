/// A fixed number of floats, zeroed, aligned to a cache line, owned by a reduction.
final class FloatStorage {
  let values: UnsafeMutableBufferPointer<Float>

  init(count: Int) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    values = UnsafeMutableBufferPointer(
      start: bytes.bindMemory(to: Float.self).baseAddress, count: count)
    values.initialize(repeating: 0)
  }

  deinit {
    values.deallocate()
  }

  /// The elements `range`.
  func slice(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: values[range])
  }
}

/// target ← a + b, element by element; `target` may be `a`.
func add(
  _ a: UnsafeMutableBufferPointer<Float>, _ b: UnsafeMutableBufferPointer<Float>,
  into target: UnsafeMutableBufferPointer<Float>
) {
  precondition(a.count == b.count && a.count == target.count, "sums of different lengths")
  guard let x = a.baseAddress, let y = b.baseAddress, let z = target.baseAddress else { return }
  var i = 0
  while i + 16 <= a.count {
    let sum =
      UnsafeRawPointer(x + i).loadUnaligned(as: SIMD16<Float>.self)
      + UnsafeRawPointer(y + i).loadUnaligned(as: SIMD16<Float>.self)
    UnsafeMutableRawPointer(z + i).storeBytes(of: sum, as: SIMD16<Float>.self)
    i += 16
  }
  while i < a.count {
    z[i] = x[i] + y[i]
    i += 1
  }
}
