internal import Collectives
internal import Files
internal import Tensors

/// Memory that the ranks of a node share: what meeting and reading in it take.
package struct SharedWindow: Sendable, Hashable, Codable {
  /// Seconds of one round of a barrier, in which each rank tells one other that it came.
  package var barrierSeconds: Double
  /// Bytes per second that one rank reads of what other cores wrote, while all ranks read.
  package var bytesPerSecond: Double

  /// A window of these figures.
  package init(barrierSeconds: Double, bytesPerSecond: Double) {
    self.barrierSeconds = barrierSeconds
    self.bytesPerSecond = bytesPerSecond
  }

  /// A window on a node whose ranks exchange messages over `link`: no slower than these, since a message
  /// within a node is a note in shared memory and a copy.
  package init(noSlowerThan link: CostModel.Link) {
    self.init(barrierSeconds: link.latencySeconds, bytesPerSecond: link.bytesPerSecond)
  }

  /// Seconds of a barrier of `ranks` ranks: ⌈log₂ ranks⌉ rounds (Hensgen, Finkel, Manber 1988).
  package func barrier(ranks: Int) -> Double {
    ranks > 1 ? Double(Int.bitWidth - (ranks - 1).leadingZeroBitCount) * barrierSeconds : 0
  }

  /// Seconds to read what `ranks` ranks wrote together, `bytes` in all, without one's own part.
  package func reading(_ bytes: Double, ranks: Int) -> Double {
    ranks > 1 ? bytes * Double(ranks - 1) / Double(ranks) / bytesPerSecond : 0
  }
}

extension SharedWindow {
  /// Floats that each rank writes for the others to read: more than the caches next to a core hold.
  private static let floats = 1 << 19

  /// The bytes in common that `measure` takes on a node of so many ranks.
  static func byteCount(localSize: Int) -> Int { localSize * SharedMemory.space(floats: floats) }

  /// Measures the memory of a node: the median of some rounds, each of the rank that took longest. Called by all ranks of
  /// nodes with several, at once.
  ///
  /// - Throws: `CommunicatorError`.
  static func measure(
    _ group: NodeGroup, over communicator: any Communicator
  ) throws(CommunicatorError) -> SharedWindow {
    let size = group.localSize
    let buffers = (0..<size).map { _ in group.makeBuffer(count: floats) }
    let own = buffers[group.localRank]
    let sum = FloatBuffer(count: floats / size)
    let (rounds, barriers) = (15, 100)
    var meeting: [Double] = []
    var reading: [Double] = []
    for _ in 0..<rounds {
      for index in 0..<own.count { own.pointer[index] += 1 }
      try group.barrier()
      let start = MonotonicClock.now()
      for _ in 0..<barriers { try group.barrier() }
      let middle = MonotonicClock.now()
      // As a reduction reads: this rank's slice of what all others wrote.
      for (rank, buffer) in buffers.enumerated() where rank != group.localRank {
        add(buffer.pointer + group.localRank * sum.count, to: sum.pointer, count: sum.count)
      }
      let end = MonotonicClock.now()
      try group.barrier()
      meeting.append((middle - start) / Double(barriers))
      reading.append(end - middle)
    }
    let all = try communicator.allGather(numbers: meeting + reading)
    func median(_ first: Int) -> Double {
      // What the processes are given back late for makes the slowest round, not the middle one.
      Spread((first..<first + rounds).map { round in group.ranks.map { all[$0][round] }.max() ?? 0 }).median
    }
    let turns = Double(Int.bitWidth - (size - 1).leadingZeroBitCount)
    return SharedWindow(
      barrierSeconds: median(0) / max(turns, 1),
      bytesPerSecond: Double((size - 1) * sum.count * MemoryLayout<Float>.stride) / max(median(rounds), 1e-9))
  }
}
