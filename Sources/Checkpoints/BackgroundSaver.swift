internal import Dispatch
internal import Synchronization

/// Saves on a thread of its own, one thing at a time, so that training does not wait for the disk.
public final class BackgroundSaver: Sendable {
  private let queue = DispatchQueue(label: "lockstep.checkpoints")
  private let failure = Mutex<(any Error)?>(nil)

  public init() {}

  /// Runs `work` behind earlier work; waits only for that.
  ///
  /// - Throws: what earlier work threw.
  public func save(_ work: @escaping @Sendable () throws -> Void) throws {
    try finish()
    queue.async { [self] in
      do {
        try work()
      } catch {
        failure.withLock { $0 = error }
      }
    }
  }

  /// Waits for all work.
  ///
  /// - Throws: what it threw.
  public func finish() throws {
    queue.sync {}
    try poll()
  }

  /// Throws what work that is done threw, without waiting.
  public func poll() throws {
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
