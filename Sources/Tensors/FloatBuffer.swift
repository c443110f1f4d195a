#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A fixed number of `Float`s, zeroed, aligned to a cache line; lends spans of them.
///
/// The memory is its own, or a part of what ranks of a node share.
///
/// A class, so that layers, optimizers and reductions can share one flat buffer; not `Sendable`, so that threads cannot.
/// There is no growth and no hidden copy: what a training step needs is allocated before the first step.
package final class FloatBuffer {
  /// The number of elements.
  package let count: Int
  /// The first element, for vector kernels and calls of C; valid as long as the buffer lives.
  package let pointer: UnsafeMutablePointer<Float>
  /// Who owns the memory, where that is not this buffer.
  private let owner: AnyObject?

  /// Allocates `count` zeros.
  package init(count: Int) {
    precondition(count >= 0, "a buffer cannot hold \(count) elements")
    self.count = count
    let (bytes, isTooMany) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard !isTooMany, bytes < Int.max - 63, let memory = aligned_alloc(64, (bytes + 63) / 64 * 64) else {
      endForLackOfMemory(bytes: bytes)
    }
    memset(memory, 0, (bytes + 63) / 64 * 64)
    pointer = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    owner = nil
  }

  /// A view of `count` floats of somebody else's memory, which lives as long as `owner` does.
  package init(_ memory: UnsafeMutableRawPointer, count: Int, owner: AnyObject) {
    self.count = count
    pointer = memory.bindMemory(to: Float.self, capacity: count)
    self.owner = owner
  }

  /// Copies `values`.
  package convenience init(_ values: some Collection<Float>) {
    self.init(count: values.count)
    _ = elements.initialize(fromContentsOf: values)
  }

  deinit {
    if owner == nil { free(pointer) }
  }

  /// All elements, to read.
  package var span: Span<Float> {
    @_lifetime(borrow self)
    get { _overrideLifetime(Span(_unsafeStart: pointer, count: count), borrowing: self) }
  }

  /// All elements, to change. Two of them at a time are the same memory.
  package var mutableSpan: MutableSpan<Float> {
    @_lifetime(borrow self)
    get { _overrideLifetime(MutableSpan(_unsafeStart: pointer, count: count), borrowing: self) }
  }

  /// All elements, for loops that need a collection.
  package var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// The elements `range`.
  package func slice(_ range: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: elements[range])
  }

  /// The elements' bytes, in the machine's (little-endian) order.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(elements)
  }

  /// Overwrites all elements with those of another buffer of the same size.
  package func copy(from other: FloatBuffer) {
    precondition(count == other.count, "buffers of \(count) and \(other.count) elements")
    pointer.update(from: other.pointer, count: count)
  }

  /// Sets all elements to zero.
  package func clear() {
    memset(pointer, 0, count * MemoryLayout<Float>.stride)
  }
}

extension Span<Float> {
  /// The first element, for vector kernels and calls of C: valid as long as what the span was taken from.
  package var start: UnsafePointer<Float> {
    withUnsafeBufferPointer { $0.baseAddress ?? Self.nowhere }
  }

  /// Where an empty span starts: nothing may be read there.
  private static var nowhere: UnsafePointer<Float> {
    UnsafePointer(bitPattern: MemoryLayout<Float>.alignment).unsafelyUnwrapped
  }
}

extension MutableSpan<Float> {
  /// The first element, for vector kernels and calls of C: valid as long as what the span was taken from.
  package var start: UnsafeMutablePointer<Float> {
    mutating get { UnsafeMutablePointer(mutating: span.start) }
  }
}
