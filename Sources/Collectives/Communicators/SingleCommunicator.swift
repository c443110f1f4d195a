#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A world of one rank, without MPI: what a process is that no launcher started.
public final class SingleCommunicator: Communicator {
  public init() {}

  public var rank: Int { 0 }
  public var worldSize: Int { 1 }

  public func barrier() {}

  public func broadcast(_ bytes: inout MutableRawSpan, from root: Int) {}

  public func allReduceSum(_ values: inout MutableSpan<Float>) {}

  public func allReduceSum(_ values: inout [Int64]) {}

  public func allGather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }

  public func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) {
    precondition(sendCounts == receiveCounts, "a rank receives from itself what it sends to itself")
    send.withUnsafeBytes { send in receive.withUnsafeMutableBytes { $0.copyMemory(from: send) } }
  }

  public func exchange(sends: [Message], receives: [Message]) {
    precondition(sends.isEmpty && receives.isEmpty, "a world of one has no peers")
  }

  public func abort(code: Int32) -> Never {
    exit(code)
  }

  public func finalize() {}
}
