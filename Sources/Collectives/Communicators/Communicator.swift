internal import Files
package import Tensors

/// The ranks of a job, and what they can do together.
///
/// Collective calls must be made by all ranks in the same order.
package protocol Communicator: AnyObject {
  /// This process's number, 0..<worldSize; 0 is the root.
  var rank: Int { get }
  /// The number of ranks.
  var worldSize: Int { get }

  /// Returns once all ranks have called it. The corresponding MPI function is `MPI_Barrier`.
  func barrier() throws(CommunicatorError)

  /// Overwrites the bytes of all other ranks with the root's. `MPI_Bcast`.
  func broadcast(_ bytes: inout MutableRawSpan, from root: Int) throws(CommunicatorError)

  /// Replaces values, as many on each rank, by their sums over the ranks, in an order of the implementation's
  /// choice. `MPI_Allreduce` with `MPI_FLOAT` and `MPI_SUM`.
  func allReduceSum(_ values: inout MutableSpan<Float>) throws(CommunicatorError)

  /// As `allReduceSum`, by a function that a user brings, in a communicator of its own.
  func allReduceSum(_ values: inout MutableSpan<Float>, by plugin: ReductionPlugin) throws(CommunicatorError)

  /// Whether a plugin has left a message behind that no rank has received and that is for this one.
  var hasLeftoverOfPlugin: Bool { get }

  /// Replaces integers by their sums over the ranks. `MPI_Allreduce` with `MPI_INT64_T` and `MPI_SUM`.
  func allReduceSum(_ values: inout [Int64]) throws(CommunicatorError)

  /// The bytes of all ranks, of any length each, by rank. `MPI_Allgatherv`.
  func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]]

  /// Sends a part of `send` to each rank and receives one from each. `MPI_Alltoallv`.
  ///
  /// `sendCounts` are bytes for each rank, whose parts follow one another in `send`; `receiveCounts` are bytes
  /// from each rank, as its sender counts them, and their parts follow one another in `receive`.
  func allToAll(
    send: RawSpan, sendCounts: [Int], receive: inout MutableRawSpan, receiveCounts: [Int]
  ) throws(CommunicatorError)

  /// Exchanges messages point to point: all are under way at once, and the call returns when all have arrived.
  /// Messages between two ranks are told apart by their tags. `MPI_Irecv`, `MPI_Isend`, `MPI_Waitsome`.
  func exchange(sends: [Message], receives: [Message]) throws(CommunicatorError)

  /// Says what this rank is about to do, as in "the reduction", for the sentence with which it would end if others left
  /// it waiting; `step` is counted from 1, 0 for none.
  func willEnter(_ phase: StaticString, step: Int)

  /// Says whether the peers that the next calls wait for may be waiting for others in turn.
  func willWaitInChains(_ isChained: Bool)

  /// The ranks of each node, those that can share memory, in ascending order; nodes in the order of their first ranks.
  /// Called by all ranks. `MPI_Comm_split_type` with `MPI_COMM_TYPE_SHARED`.
  func nodes() throws(CommunicatorError) -> [[Int]]

  /// Why this node can't have so many bytes of memory in common, in words; nil where it can.
  func obstacle(toSharing byteCount: Int) -> String?

  /// Zeroed memory that all ranks of this node see. Called by all ranks of the node with the same number.
  /// `MPI_Win_allocate_shared`.
  func shareMemory(byteCount: Int) throws(CommunicatorError) -> SharedMemory

  /// Waits until `hasArrived` is true of each index of `peers`: ranks of this node, which say so in memory that they share.
  func wait(for peers: [Int], _ hasArrived: (Int) -> Bool) throws(CommunicatorError)

  /// Some of these ranks as a communicator of their own, in which `ranks[i]` is rank i. Called by those ranks alone, all
  /// with the same numbers; `tag` is one that no other call under way has. `MPI_Comm_create_group`.
  func subgroup(of ranks: [Int], tag: Int) throws(CommunicatorError) -> any Communicator

  /// Gives up what a communicator that `subgroup` made holds; called by all its ranks, which use it no more.
  /// `MPI_Comm_free`.
  func release() throws(CommunicatorError)

  /// Sends bytes to another rank, which finds them whenever it looks, and returns at once. `MPI_Isend`.
  func post(_ bytes: [UInt8], to peer: Int) throws(CommunicatorError)

  /// What others have posted to this rank and has arrived, each sender's messages in order; waits for nobody. `MPI_Iprobe`,
  /// `MPI_Recv`.
  func collectPosts() throws(CommunicatorError) -> [(sender: Int, bytes: [UInt8])]

  /// Ends all ranks of the job at once with this exit code. `MPI_Abort`.
  func abort(code: Int32) -> Never

  /// Called by all ranks before they exit in good order. `MPI_Finalize`.
  func finalize()
}

extension Communicator {
  package func willEnter(_ phase: StaticString, step: Int) {}
  package func willWaitInChains(_ isChained: Bool) {}
  package func allReduceSum(
    _ values: inout MutableSpan<Float>, by plugin: ReductionPlugin
  ) throws(CommunicatorError) {
    throw CommunicatorError(call: CommunicatorError.pluginCall, reason: "there is no MPI that it could call")
  }
  package var hasLeftoverOfPlugin: Bool { false }
  package func nodes() throws(CommunicatorError) -> [[Int]] { (0..<worldSize).map { [$0] } }
  package func obstacle(toSharing byteCount: Int) -> String? { "ranks share no memory" }
  package func shareMemory(byteCount: Int) throws(CommunicatorError) -> SharedMemory {
    throw CommunicatorError(call: "share memory", reason: "ranks share no memory")
  }
  package func subgroup(of ranks: [Int], tag: Int) throws(CommunicatorError) -> any Communicator {
    throw CommunicatorError(call: "subgroup", reason: "these ranks cannot be divided")
  }
  package func release() throws(CommunicatorError) {}
  package func post(_ bytes: [UInt8], to peer: Int) throws(CommunicatorError) {
    throw CommunicatorError(call: "post", reason: "these ranks cannot post messages")
  }
  package func collectPosts() throws(CommunicatorError) -> [(sender: Int, bytes: [UInt8])] { [] }
  package func wait(for peers: [Int], _ hasArrived: (Int) -> Bool) throws(CommunicatorError) {
    var spin = SpinWait()
    for index in peers.indices { while !hasArrived(index) { spin.pause() } }
  }
}

/// Floats on their way to or from another rank: a part of a buffer.
package struct Message {
  /// The other rank.
  package var peer: Int
  /// Tells apart the messages between two ranks.
  package var tag: Int
  /// Where to send from or receive into.
  package var buffer: FloatBuffer
  /// The elements of it that travel.
  package var range: Range<Int>

  package init(peer: Int, tag: Int, buffer: FloatBuffer, range: Range<Int>) {
    self.peer = peer
    self.tag = tag
    self.buffer = buffer
    self.range = range
  }

  /// What travels, as memory.
  var values: UnsafeMutableBufferPointer<Float> { buffer.slice(range) }
}

/// Why ranks could not communicate.
package struct CommunicatorError: ReportedError, Hashable, Sendable {
  /// The call that failed, e.g. `MPI_Allreduce`.
  package let call: String
  /// The implementation's error code, 0 where the call was not even made.
  package let code: Int32
  /// What went wrong, in words.
  package let reason: String

  package init(call: String, code: Int32 = 0, reason: String) {
    self.call = call
    self.code = code
    self.reason = reason
  }

  /// MPI that does not start would not start the next time either; a call that fails later has lost a peer, and another
  /// start may find it back.
  package var exitCode: Int32 {
    call == Self.pluginCall ? 70 : code == 0 || call == Self.startingCall ? 69 : 76
  }

  /// What is called where users bring the reduction.
  static let pluginCall = "the reduction plugin"

  /// The call that starts MPI.
  static let startingCall = "MPI_Init_thread"

  package var description: String {
    code == 0 ? "\(call): \(reason)" : "\(call) failed with code \(code): \(reason)"
  }
}
