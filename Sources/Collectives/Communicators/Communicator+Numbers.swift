extension Communicator {
  /// The numbers of all ranks, as many on each as it likes, by rank.
  package func allGather(numbers: [Double]) throws(CommunicatorError) -> [[Double]] {
    let stride = MemoryLayout<Double>.stride
    return try allGather(numbers.flatMap { withUnsafeBytes(of: $0) { Array($0) } }).map { bytes in
      bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / stride).map { bytes.loadUnaligned(fromByteOffset: stride * $0, as: Double.self) }
      }
    }
  }
}
