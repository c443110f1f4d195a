internal import Dispatch

extension Communicator {
  /// Runs `body`, which may take longer than peers wait in a call, such as reading a whole dataset; meanwhile the ranks
  /// meet every half second, so that one that hangs is still told from one that is busy. Called by all ranks; those
  /// without such work give `nil`.
  ///
  /// `isBusy` is told now and then which ranks the others wait for.
  ///
  /// - Throws: what the meetings throw.
  package func patiently<Value: Sendable>(
    _ body: (@Sendable () -> Value)?, isBusy: (_ ranks: [Int]) -> Void
  ) throws(CommunicatorError) -> Value? {
    let result = Handover<Value>()
    if let body {
      DispatchQueue.global().async {
        result.value = body()
        result.isThere.signal()
      }
    }
    var isDone = body == nil
    while true {
      // All wait here for as long as the busy ones do.
      if !isDone { isDone = result.isThere.wait(timeout: .now() + .milliseconds(500)) == .success }
      let busy = try allGather(isDone ? [] : [1]).enumerated().compactMap { $1.isEmpty ? nil : $0 }
      if busy.isEmpty { return result.value }
      isBusy(busy)
    }
  }
}

/// Hands a value from one thread to another; the semaphore says when.
private final class Handover<Value>: @unchecked Sendable {
  let isThere = DispatchSemaphore(value: 0)
  var value: Value?
}
