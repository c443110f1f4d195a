internal import Dispatch
internal import Files
internal import Foundation
internal import Synchronization

/// Threads that read pictures, and the queue before them. Reading is work for a core, so it is kept off the threads that
/// talk to clients.
package final class ReadingQueue<Reader: Sendable>: Sendable {
  /// Why a picture was not read.
  package enum Refusal: Error {
    /// As many wait as may wait.
    case full
    /// It waited longer than anyone should.
    case late
  }

  /// What the threads and the queue share. The threads hold it alone, so that they end with the queue.
  private final class Line: Sendable {
    struct Job {
      let arrival: Double
      let run: @Sendable (Reader?) -> Void
    }

    struct State {
      var waiting: [Job] = []
      var running = 0
    }

    let state = Mutex(State())
    let arrivals = DispatchSemaphore(value: 0)
  }

  private let line = Line()
  private let readerCount: Int
  private let waitingLimit: Int

  /// - Parameters:
  ///   - readers: One for each thread, which alone uses it.
  ///   - waitingLimit: How many pictures may wait while all threads read.
  ///   - patience: How many seconds a picture may wait.
  package init(_ readers: [Reader], waitingLimit: Int, patience: Double) {
    readerCount = readers.count
    self.waitingLimit = waitingLimit
    for reader in readers {
      Thread { [line] in
        while true {
          line.arrivals.wait()
          let job = line.state.withLock { state -> Line.Job? in
            guard !state.waiting.isEmpty else { return nil }
            state.running += 1
            return state.waiting.removeFirst()
          }
          // Woken without a job: the queue is gone.
          guard let job else { return }
          job.run(MonotonicClock.now() - job.arrival > patience ? nil : reader)
        }
      }.start()
    }
  }

  deinit {
    for _ in 0..<readerCount { line.arrivals.signal() }
  }

  /// Pictures that wait.
  package var waitingCount: Int { line.state.withLock { $0.waiting.count } }

  /// What `body` makes with a reader, on a thread of that reader.
  ///
  /// - Throws: `Refusal`, or what `body` throws.
  package func with<Value: Sendable>(_ body: @escaping @Sendable (Reader) throws -> Value) async throws
    -> Value
  {
    try await withCheckedThrowingContinuation { continuation in
      let job = Line.Job(arrival: MonotonicClock.now()) { [line] reader in
        let result = Result {
          guard let reader else { throw Refusal.late }
          return try body(reader)
        }
        // Before the answer: whoever has it finds the thread free.
        line.state.withLock { $0.running -= 1 }
        continuation.resume(with: result)
      }
      let isIn = line.state.withLock { state in
        guard state.running + state.waiting.count < readerCount + waitingLimit else { return false }
        state.waiting.append(job)
        return true
      }
      if isIn { line.arrivals.signal() } else { continuation.resume(throwing: Refusal.full) }
    }
  }
}
