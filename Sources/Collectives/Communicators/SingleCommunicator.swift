#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A world of one rank, without MPI: what a process is that no launcher started, or a rank of others that works alone.
package final class SingleCommunicator: Communicator {
  /// The ranks that this one belongs to, if any.
  private let world: (any Communicator)?

  package init() { world = nil }

  /// One rank of `world`, which ends with it.
  init(of world: any Communicator) { self.world = world }

  package var rank: Int { 0 }
  package var worldSize: Int { 1 }

  package func barrier() {}

  package func broadcast(_ bytes: inout MutableRawSpan, from root: Int) {}

  package func allReduceSum(_ values: inout MutableSpan<Float>) {}

  package func allReduceSum(_ values: inout [Int64]) {}

  package func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }

  package func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) {
    precondition(sendCounts == receiveCounts, "a rank receives from itself what it sends to itself")
    send.withUnsafeBytes { send in receive.withUnsafeMutableBytes { $0.copyMemory(from: send) } }
  }

  package func exchange(sends: [Message], receives: [Message]) {
    precondition(sends.isEmpty && receives.isEmpty, "a world of one has no peers")
  }

  package func subgroup(of ranks: [Int], tag: Int) -> any Communicator {
    precondition(ranks == [0], "a world of one has no rank but 0")
    return SingleCommunicator()
  }

  package func abort(code: Int32) -> Never {
    world?.abort(code: code)
    exit(code)
  }

  package func finalize() {}
}
