package import Tensors

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Memory that the ranks of a node have in common, handed out piece by piece.
///
/// All of them take the same pieces in the same order, so that a piece lies at the same place for all. It is zeroed, and
/// it is there until the process ends, or until all of them release it: ranks that go on using it never have to know
/// whether others have done with it.
package final class SharedMemory {
  /// Two cache lines: processors fetch them in pairs, so what different ranks write shares neither.
  package static let alignment = 128

  private let base: UnsafeMutableRawPointer
  private let byteCount: Int
  private let owner: AnyObject?
  private var free: (() throws(CommunicatorError) -> Void)?
  private var used = 0

  /// `owner` keeps the memory, where somebody has to; `free` gives it back, where that needs a call of all ranks.
  init(
    _ base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject? = nil,
    free: (() throws(CommunicatorError) -> Void)? = nil
  ) {
    self.base = base
    self.byteCount = byteCount
    self.owner = owner
    self.free = free
  }

  /// Gives the memory back. Called by all ranks that have it, which use no piece of it any more.
  func release() throws(CommunicatorError) {
    let free = free
    self.free = nil
    try free?()
  }

  /// Memory of one rank, the only one of its node.
  convenience init(ofOneRank byteCount: Int) {
    let memory = ProcessMemory(byteCount: byteCount)
    self.init(memory.base, byteCount: byteCount, owner: memory)
  }

  /// The bytes that a piece of `byteCount` takes.
  package static func space(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) / alignment * alignment
  }

  /// The bytes that a buffer of `count` floats takes.
  package static func space(floats count: Int) -> Int {
    space(count * MemoryLayout<Float>.stride)
  }

  /// The next piece.
  package func take(byteCount count: Int) -> UnsafeMutableRawPointer {
    let space = Self.space(count)
    precondition(used + space <= byteCount, "\(space) bytes more than the \(byteCount) that were asked for")
    defer { used += space }
    return base + used
  }

  /// The next piece, as floats.
  package func makeBuffer(count: Int) -> FloatBuffer {
    FloatBuffer(take(byteCount: count * MemoryLayout<Float>.stride), count: count, owner: self)
  }
}

/// Zeroed memory of this process, for one rank, or for threads that are ranks; the last one to let go frees it.
final class ProcessMemory: Sendable {
  nonisolated(unsafe) let base: UnsafeMutableRawPointer

  init(byteCount: Int) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, SharedMemory.alignment, max(byteCount, 1)) == 0, let memory else {
      endForLackOfMemory(bytes: byteCount)
    }
    base = memory
    base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit {
    free(base)
  }
}
