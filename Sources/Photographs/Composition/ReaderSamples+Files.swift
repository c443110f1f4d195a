internal import Datasets
internal import Dispatch
package import Files
internal import Synchronization

extension ReaderSamples {
  private static let pieceCount = 2048

  /// Writes samples 0..<count as a pair of IDX files, by as many threads as `workers`.
  ///
  /// - Throws: `FileError` if a file cannot be written.
  package func write(
    count: Int, images: String, labels: String, workers: Int, progress: (_ done: Int) -> Void = { _ in }
  ) throws(FileError) {
    let side = DigitPreparation.side
    var imageFile = try IDXWriter(path: images, dimensions: [count, side, side])
    var labelFile = try IDXWriter(path: labels, dimensions: [count])
    for start in stride(from: 0, to: count, by: Self.pieceCount) {
      let piece = start..<min(start + Self.pieceCount, count)
      let made = concurrentMap(piece.count, workers: workers) { sample(piece.lowerBound + $0) }
      try imageFile.append(made.flatMap(\.image))
      try labelFile.append(made.map(\.label))
      progress(piece.upperBound)
    }
    try imageFile.commit()
    try labelFile.commit()
  }
}

/// The values of `body` at 0..<count, in order, computed by `workers` threads.
package func concurrentMap<Value: Sendable>(
  _ count: Int, workers: Int, _ body: @Sendable (Int) -> Value
) -> [Value] {
  let results = Mutex([Value?](repeating: nil, count: count))
  let next = Atomic(0)
  DispatchQueue.concurrentPerform(iterations: max(1, min(workers, count))) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      let value = body(index)
      results.withLock { $0[index] = value }
    }
  }
  return results.withLock { $0.compactMap { $0 } }
}
