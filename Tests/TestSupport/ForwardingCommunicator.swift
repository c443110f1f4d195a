public import Collectives

/// Passes everything on to another communicator; tests override what they want to see or to spoil.
open class ForwardingCommunicator: Communicator {
  private let base: any Communicator

  public init(_ base: any Communicator) {
    self.base = base
  }

  public var rank: Int { base.rank }
  public var worldSize: Int { base.worldSize }

  open func barrier() throws(CommunicatorError) { try base.barrier() }

  open func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CommunicatorError) {
    try base.broadcast(&bytes, from: root)
  }

  open func allReduceSum(_ values: inout MutableSpan<Float>) throws(CommunicatorError) {
    try base.allReduceSum(&values)
  }

  open func allReduceSum(_ values: inout [Int64]) throws(CommunicatorError) {
    try base.allReduceSum(&values)
  }

  open func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]] {
    try base.allGather(bytes)
  }

  open func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) throws(CommunicatorError) {
    try base.allToAll(
      send: send, sendCounts: sendCounts, receive: &receive, receiveCounts: receiveCounts)
  }

  open func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError) {
    try base.exchange(sends: sends, receives: receives)
  }

  open func abort(code: Int32) -> Never { base.abort(code: code) }

  open func finalize() { base.finalize() }
}
