import Dispatch
import Serving
import Testing

/// Who reads, who waits, who is sent away.
struct ReadingQueueTests {
  @Test func asManyReadAtOnceAsThereAreReadersAndTheRestWaitsInOrder() async throws {
    let queue = ReadingQueue([10, 20], waitingLimit: 1, patience: 3600)
    let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    async let first = queue.with { reader in
      entered.signal()
      leave.wait()
      return reader
    }
    async let second = queue.with { reader in
      entered.signal()
      leave.wait()
      return reader
    }
    // Both are at work.
    await both(entered)
    async let third = queue.with { $0 }
    while queue.waitingCount < 1 { await Task.yield() }
    // Whoever is not refused here waits until all may leave, which is a failure and no hang.
    DispatchQueue.global().asyncAfter(deadline: .now() + 30) { for _ in 0..<2 { leave.signal() } }
    await #expect(throws: ReadingQueue<Int>.Refusal.full) { try await queue.with { $0 } }
    leave.signal()
    leave.signal()
    #expect(Set([try await first, try await second]) == [10, 20])
    #expect([10, 20].contains(try await third))
    // There is room again.
    #expect([10, 20].contains(try await queue.with { $0 }))
  }

  @Test func whoWaitedTooLongIsSentAway() async throws {
    let queue = ReadingQueue([1], waitingLimit: 1, patience: -1)
    await #expect(throws: ReadingQueue<Int>.Refusal.late) { try await queue.with { $0 } }
    await #expect(throws: ReadingQueue<Int>.Refusal.late) { try await queue.with { $0 } }
  }

  @Test func anErrorReachesWhoAsked() async throws {
    struct Trouble: Error {}
    let queue = ReadingQueue([1], waitingLimit: 0, patience: 3600)
    await #expect(throws: Trouble.self) { try await queue.with { _ in throw Trouble() } }
    #expect(try await queue.with { $0 } == 1)
  }

  /// Waits on a thread of its own, not on one that tasks need.
  private func both(_ entered: DispatchSemaphore) async {
    await withCheckedContinuation { continuation in
      DispatchQueue(label: "test").async {
        entered.wait()
        entered.wait()
        continuation.resume()
      }
    }
  }
}
