internal import Foundation

/// Counts requests from their arrival until their answer is sent, or cannot be.
final class InFlight: @unchecked Sendable {
  /// A request that is not yet answered; it counts as long as anybody holds this.
  final class Token: Sendable {
    private let owner: InFlight

    fileprivate init(_ owner: InFlight) {
      self.owner = owner
      owner.change(by: 1)
    }

    deinit { owner.change(by: -1) }
  }

  private let condition = NSCondition()
  private var total = 0

  var count: Int { condition.withLock { total } }

  func enter() -> Token { Token(self) }

  /// Returns once all requests are answered, at the latest after so many seconds.
  func waitUntilNone(atMost seconds: Double) {
    let end = Date(timeIntervalSinceNow: seconds)
    condition.withLock {
      while total > 0, condition.wait(until: end) {}
    }
  }

  private func change(by difference: Int) {
    condition.withLock {
      total += difference
      condition.broadcast()
    }
  }
}
