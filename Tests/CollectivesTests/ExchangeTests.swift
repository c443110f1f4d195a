import Collectives
import Tensors
import Testing

/// Exchanges floats and returns what arrived, in the order of `receives`.
func swap(
  _ communicator: any Communicator, sends: [(peer: Int, tag: Int, values: [Float])],
  receives: [(peer: Int, tag: Int, count: Int)]
) throws -> [[Float]] {
  func message(_ peer: Int, _ tag: Int, _ values: [Float]) -> Message {
    Message(peer: peer, tag: tag, buffer: FloatBuffer(values), range: 0..<values.count)
  }
  let incoming = receives.map { message($0.peer, $0.tag, Array(repeating: -1, count: $0.count)) }
  try communicator.exchange(
    sends: sends.map { message($0.peer, $0.tag, $0.values) }, receives: incoming)
  return incoming.map { Array($0.buffer.elements) }
}

@Suite struct ExchangeTests {
  @Test func tagsTellMessagesApartInAnyOrder() throws {
    let results = try InProcessWorld(size: 2).run { communicator in
      let (peer, own) = (1 - communicator.rank, Float(communicator.rank))
      return try swap(
        communicator, sends: [(peer, 1, [own, 1]), (peer, 2, [own, 2, 2]), (peer, 3, [])],
        receives: [(peer, 3, 0), (peer, 2, 3), (peer, 1, 2)])
    }
    #expect(results == [[[], [1, 2, 2], [1, 1]], [[], [0, 2, 2], [0, 1]]])
  }

  @Test func messagesOfOneTagArriveInTheirOrder() throws {
    let results = try InProcessWorld(size: 2).run { communicator in
      let peer = 1 - communicator.rank
      return try swap(
        communicator, sends: [(peer, 0, [1]), (peer, 0, [2])], receives: [(peer, 0, 1), (peer, 0, 1)])
    }
    #expect(results.allSatisfy { $0 == [[1], [2]] })
  }

  /// A ring of unequal lengths: each rank sends to the next and hears from the one before.
  @Test(arguments: [2, 3, 5]) func peersAreToldApart(_ worldSize: Int) throws {
    let results = try InProcessWorld(size: worldSize).run { communicator in
      let (rank, before) = (communicator.rank, (communicator.rank + worldSize - 1) % worldSize)
      return try swap(
        communicator,
        sends: [((rank + 1) % worldSize, 0, [Float](repeating: Float(rank), count: rank + 1))],
        receives: [(before, 0, before + 1)])
    }
    for (rank, received) in results.enumerated() {
      let before = (rank + worldSize - 1) % worldSize
      #expect(received == [[Float](repeating: Float(before), count: before + 1)])
    }
  }

  @Test func allToAllTakesEmptyParts() throws {
    let results = try InProcessWorld(size: 3).run { communicator in
      // Only rank 1 has something, and only for rank 2.
      let send: [UInt8] = communicator.rank == 1 ? [7, 8] : []
      var receive = [UInt8](repeating: 0, count: communicator.rank == 2 ? 2 : 0)
      let expected = receive.count
      var target = receive.mutableSpan
      var bytes = target.mutableBytes
      try communicator.allToAll(
        send: send.span.bytes, sendCounts: [0, 0, send.count], receive: &bytes,
        receiveCounts: [0, expected, 0])
      return receive
    }
    #expect(results == [[], [], [7, 8]])
  }

  /// The world without MPI must behave as one rank of any other world does.
  @Test func aWorldOfOneHearsItself() throws {
    let communicator = SingleCommunicator()
    #expect(communicator.rank == 0 && communicator.worldSize == 1)
    #expect(communicator.allGather([1, 2]) == [[1, 2]])
    var counts: [Int64] = [3]
    communicator.allReduceSum(&counts)
    #expect(counts == [3])
    var receive: [UInt8] = [0, 0]
    let send: [UInt8] = [4, 5]
    var target = receive.mutableSpan
    var bytes = target.mutableBytes
    communicator.allToAll(send: send.span.bytes, sendCounts: [2], receive: &bytes, receiveCounts: [2])
    #expect(receive == [4, 5])
  }
}
