#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Owns a fixed number of `Float`s, zeroed, aligned to a cache line; lends pointers into them.
///
/// A class, so that layers, optimizers and reductions can share one flat buffer. There is no growth and no
/// hidden copy: what a training step needs is allocated before the first step.
public final class FloatBuffer: @unchecked Sendable {
  /// The number of elements.
  public let count: Int
  /// The first element; valid as long as the buffer lives.
  public let pointer: UnsafeMutablePointer<Float>

  /// Allocates `count` zeros.
  public init(count: Int) {
    precondition(count >= 0, "a buffer cannot hold \(count) elements")
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let rounded = (bytes + 63) / 64 * 64
    guard let memory = aligned_alloc(64, rounded) else { fatalError("out of memory: \(rounded) bytes") }
    memset(memory, 0, rounded)
    pointer = memory.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  /// Copies `values`.
  public convenience init(_ values: some Collection<Float>) {
    self.init(count: values.count)
    _ = elements.initialize(fromContentsOf: values)
  }

  deinit {
    free(pointer)
  }

  /// All elements.
  public var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// The elements' bytes, in the machine's (little-endian) order.
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(elements)
  }

  /// Overwrites all elements with those of another buffer of the same size.
  public func copy(from other: FloatBuffer) {
    precondition(count == other.count, "buffers of \(count) and \(other.count) elements")
    pointer.update(from: other.pointer, count: count)
  }

  /// Sets all elements to zero.
  public func clear() {
    memset(pointer, 0, count * MemoryLayout<Float>.stride)
  }
}
