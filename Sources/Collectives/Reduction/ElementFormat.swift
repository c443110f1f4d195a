internal import CVectors
internal import Tensors

/// A format, and which elements it is for: the last few, counts and flags, stay exact.
struct ElementFormat {
  let format: GradientFormat
  /// The elements `0..<roundedCount` are of `format`, those after them are `float32`.
  let roundedCount: Int

  init(_ format: GradientFormat, elementCount: Int, exactCount: Int) {
    self.format = format
    roundedCount = format == .float32 ? 0 : elementCount - exactCount
  }

  /// How many of `count` elements from `first` on are rounded.
  private func rounded(_ first: Int, _ count: Int) -> Int {
    min(max(roundedCount - first, 0), count)
  }

  /// The floats' worth of memory that `count` elements from `first` on take on the wire.
  func wireCount(first: Int, count: Int) -> Int {
    let rounded = rounded(first, count)
    return (rounded + 1) / 2 + count - rounded
  }

  /// Rounds elements, of which `values` holds those from `first` on.
  func round(_ values: UnsafeMutableBufferPointer<Float>, first: Int) {
    let rounded = rounded(first, values.count)
    if rounded > 0 { cvectors_round_bfloat16(values.baseAddress, rounded) }
  }

  /// target ← a + b, rounded; all hold the elements from `first` on.
  func add(
    _ a: UnsafeMutableBufferPointer<Float>, _ b: UnsafeMutableBufferPointer<Float>,
    into target: UnsafeMutableBufferPointer<Float>, first: Int
  ) {
    let rounded = rounded(first, target.count)
    precondition(a.count == b.count && a.count == target.count, "sums of different lengths")
    guard let x = a.baseAddress, let y = b.baseAddress, let z = target.baseAddress else { return }
    if rounded > 0 { cvectors_add_bfloat16(x, y, z, rounded) }
    Tensors.add(x + rounded, y + rounded, into: z + rounded, count: target.count - rounded)
  }

  /// Writes the elements from `first` on as they travel.
  func pack(
    _ values: UnsafeMutableBufferPointer<Float>, first: Int, into wire: UnsafeMutableBufferPointer<Float>
  ) {
    let rounded = rounded(first, values.count)
    guard let source = values.baseAddress, let target = wire.baseAddress else { return }
    target.withMemoryRebound(to: UInt16.self, capacity: 2 * wire.count) {
      cvectors_pack_bfloat16(source, $0, rounded)
    }
    (target + (rounded + 1) / 2).update(from: source + rounded, count: values.count - rounded)
  }

  /// Reads what `pack` wrote.
  func unpack(
    _ wire: UnsafeMutableBufferPointer<Float>, first: Int, into values: UnsafeMutableBufferPointer<Float>
  ) {
    let rounded = rounded(first, values.count)
    guard let source = wire.baseAddress, let target = values.baseAddress else { return }
    source.withMemoryRebound(to: UInt16.self, capacity: 2 * wire.count) {
      cvectors_unpack_bfloat16($0, target, rounded)
    }
    (target + rounded).update(from: source + (rounded + 1) / 2, count: values.count - rounded)
  }
}
