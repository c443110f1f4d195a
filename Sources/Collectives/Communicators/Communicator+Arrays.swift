extension Communicator {
  /// `exchange` of messages that stand in arrays.
  public func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError) {
    var failure: CommunicatorError?
    sends.withUnsafeBufferPointer { sends in
      receives.withUnsafeBufferPointer { receives in
        do throws(CommunicatorError) {
          try exchange(sends: sends, receives: receives)
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
  }

  /// The numbers of all ranks, as many on each as it likes, by rank.
  public func allGather(numbers: [Double]) throws(CommunicatorError) -> [[Double]] {
    let stride = MemoryLayout<Double>.stride
    return try allGather(numbers.flatMap { withUnsafeBytes(of: $0) { Array($0) } }).map { bytes in
      bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / stride).map { bytes.loadUnaligned(fromByteOffset: stride * $0, as: Double.self) }
      }
    }
  }
}
