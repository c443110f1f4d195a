package import Collectives

/// Passes everything on to another communicator, for tests that look at what is exchanged, or spoil it.
package final class ForwardingCommunicator: Communicator {
  /// What a test does around an exchange, which `forward` carries out.
  package typealias Exchange = (
    _ sends: [Message], _ receives: [Message], _ forward: () throws(CommunicatorError) -> Void
  ) throws(CommunicatorError) -> Void

  private let base: any Communicator
  private let around: Exchange

  package init(_ base: any Communicator, exchange: @escaping Exchange) {
    self.base = base
    around = exchange
  }

  package var rank: Int { base.rank }
  package var worldSize: Int { base.worldSize }

  package func barrier() throws(CommunicatorError) { try base.barrier() }

  package func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CommunicatorError) {
    try base.broadcast(&bytes, from: root)
  }

  package func allReduceSum(_ values: inout MutableSpan<Float>) throws(CommunicatorError) {
    try base.allReduceSum(&values)
  }

  package func allReduceSum(_ values: inout [Int64]) throws(CommunicatorError) {
    try base.allReduceSum(&values)
  }

  package func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]] {
    try base.allGather(bytes)
  }

  package func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) throws(CommunicatorError) {
    try base.allToAll(
      send: send, sendCounts: sendCounts, receive: &receive, receiveCounts: receiveCounts)
  }

  package func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError) {
    try around(sends, receives) { () throws(CommunicatorError) in
      try base.exchange(sends: sends, receives: receives)
    }
  }

  package func nodes() throws(CommunicatorError) -> [[Int]] { try base.nodes() }

  package func obstacle(toSharing byteCount: Int) -> String? { base.obstacle(toSharing: byteCount) }

  package func shareMemory(byteCount: Int) throws(CommunicatorError) -> SharedMemory {
    try base.shareMemory(byteCount: byteCount)
  }

  package func wait(for peers: [Int], _ hasArrived: (Int) -> Bool) throws(CommunicatorError) {
    try base.wait(for: peers, hasArrived)
  }

  package func abort(code: Int32) -> Never { base.abort(code: code) }

  package func finalize() { base.finalize() }
}
