#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A world of one rank, without MPI: what a process is that no launcher started.
package final class SingleCommunicator: Communicator {
  package init() {}

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

  package func abort(code: Int32) -> Never {
    exit(code)
  }

  package func finalize() {}
}
