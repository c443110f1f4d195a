import Collectives
import Dispatch
import Tensors
import Testing

@Suite struct InProcessWorldTests {
  @Test func gathersBytesOfAnyLengthByRank() throws {
    let all = try InProcessWorld(size: 4).run { communicator in
      try communicator.allGather([UInt8](repeating: UInt8(communicator.rank), count: communicator.rank))
    }
    #expect(all.allSatisfy { $0 == [[], [1], [2, 2], [3, 3, 3]] })
  }

  @Test func broadcastsTheRootsBytesAndSumsIntegers() throws {
    let results = try InProcessWorld(size: 3).run { communicator in
      var bytes = [UInt8](repeating: UInt8(communicator.rank + 1), count: 5)
      var span = bytes.mutableSpan
      var raw = span.mutableBytes
      try communicator.broadcast(&raw, from: 2)
      var counts: [Int64] = [Int64(communicator.rank), 10]
      try communicator.allReduceSum(&counts)
      try communicator.barrier()
      return bytes.map { Int64($0) } + counts
    }
    #expect(results.allSatisfy { $0 == [3, 3, 3, 3, 3, 3, 30] })
  }

  @Test func allToAllDeliversEachRankItsPart() throws {
    let results = try InProcessWorld(size: 3).run { communicator in
      // Rank r sends r + 1 copies of the byte 10·r + p to each rank p.
      let count = communicator.rank + 1
      let send = (0..<3).flatMap { [UInt8](repeating: UInt8(10 * communicator.rank + $0), count: count) }
      var receive = [UInt8](repeating: 0, count: 6)
      var target = receive.mutableSpan
      var bytes = target.mutableBytes
      try communicator.allToAll(
        send: send.span.bytes, sendCounts: [count, count, count], receive: &bytes,
        receiveCounts: [1, 2, 3])
      return receive
    }
    #expect(results == (0..<3).map { rank in [0, 10, 10, 20, 20, 20].map { UInt8($0 + rank) } })
  }

  /// A rank that is there but does not answer is named, with what the others were about to do.
  @Test func aRankThatDoesNotAnswerIsNamed() throws {
    let world = InProcessWorld(size: 3, stallTimeout: 0.05)
    let sentences = try world.run { communicator in
      communicator.willEnter("the reduction", step: 7)
      func message(_ peer: Int) -> Message {
        Message(peer: peer, tag: 5, buffer: FloatBuffer(count: 1), range: 0..<1)
      }
      // Rank 1 stays away from where the others meet until both have given up.
      if communicator.rank == 1 {
        for peer in [0, 2] {
          while (try? communicator.exchange(sends: [], receives: [message(peer)])) == nil {}
        }
        return ""
      }
      do throws(CommunicatorError) {
        try communicator.barrier()
        return ""
      } catch {
        try communicator.exchange(sends: [message(1)], receives: [])
        return error.reason
      }
    }
    #expect(sentences[0] == "no answer from rank 1 in the reduction of step 7")
    #expect(sentences[2] == "no answer from rank 1 in the reduction of step 7")
  }

  /// A rank that fails must not leave the others waiting for ever.
  /// Whoever waits for a rank that works for long hears from it meanwhile, and is told whom all wait for.
  @Test func ranksMeetWhileOneOfThemWorks() throws {
    let results = try InProcessWorld(size: 3).run { communicator in
      let mayEnd = DispatchSemaphore(value: 0)
      var heard: [[Int]] = []
      // It ends when the others have waited twice for it.
      let work: @Sendable () -> Bool = { mayEnd.wait(timeout: .now() + 60) == .success }
      let result = try communicator.patiently(communicator.rank == 1 ? work : nil) { ranks in
        heard.append(ranks)
        if heard.count == 2 { mayEnd.signal() }
      }
      return (result, heard)
    }
    #expect(results.map { $0.0 } == [nil, true, nil])
    #expect(results.allSatisfy { $0.1.count >= 2 && $0.1.allSatisfy { $0 == [1] } }, "\(results)")
  }

  @Test func aFailingRankEndsAllOthers() {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      _ = try InProcessWorld(size: 4).run { communicator in
        if communicator.rank == 2 { throw Failure() }
        try communicator.barrier()
      }
    }
  }

  /// A rank that returns while others wait for it is a mistake to be told of, not a hang.
  @Test func aRankThatReturnsEarlyEndsThoseThatWaitForIt() {
    #expect(throws: CommunicatorError.self) {
      _ = try InProcessWorld(size: 3).run { communicator in
        if communicator.rank != 0 { try communicator.barrier() }
      }
    }
  }

  /// What a rank sent before it returned still arrives.
  @Test func messagesOutliveTheirSender() throws {
    let results = try InProcessWorld(size: 2).run { communicator in
      communicator.rank == 0
        ? try swap(communicator, sends: [(peer: 1, tag: 5, values: [4])], receives: [])
        : try swap(communicator, sends: [], receives: [(peer: 0, tag: 5, count: 1)])
    }
    #expect(results == [[], [[4]]])
  }

  @Test func aWorldRunsAgainAfterAFailure() throws {
    struct Failure: Error {}
    let world = InProcessWorld(size: 2)
    #expect(throws: Failure.self) {
      // The message that rank 1 sends in vain must not reach the next run.
      _ = try world.run { communicator in
        if communicator.rank == 0 { throw Failure() }
        _ = try communicator.allGather([9])
      }
    }
    let results = try world.run { try $0.allGather([UInt8($0.rank)]) }
    #expect(results == [[[0], [1]], [[0], [1]]])
  }

  /// One rank works for longer than a meeting takes; all get to know whom they wait for, and only it has a value.
  @Test func ranksThatAreBusyAreWaitedForAndNamed() throws {
    let mayEnd = DispatchSemaphore(value: 0)
    let values = try InProcessWorld(size: 3).run { world in
      let work: @Sendable () -> Int = {
        mayEnd.wait()
        return 7
      }
      var waitedFor: Set<[Int]> = []
      let value = try world.patiently(world.rank == 1 ? work : nil) { (ranks: [Int]) in
        waitedFor.insert(ranks)
        if world.rank == 0 { mayEnd.signal() }
      }
      #expect(waitedFor == [[1]])
      return value
    }
    #expect(values == [nil, 7, nil])
  }
}
