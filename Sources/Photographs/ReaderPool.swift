internal import Synchronization

/// Readers for several threads: each is used by one at a time.
package final class ReaderPool: @unchecked Sendable {
  private let free: Mutex<[Int]>
  private let readers: [PhotographReader]

  /// - Precondition: no more threads than readers use it at once.
  package init(_ readers: [PhotographReader]) {
    self.readers = readers
    free = Mutex(Array(readers.indices))
  }

  /// Lends a reader to `body`.
  package func with<Value>(_ body: (PhotographReader) throws -> Value) rethrows -> Value {
    guard let index = free.withLock({ $0.popLast() }) else {
      preconditionFailure("more threads than readers")
    }
    defer { free.withLock { $0.append(index) } }
    return try body(readers[index])
  }
}
