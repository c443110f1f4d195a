import Collectives
import Tensors
import Testing

/// Some of the ranks on their own.
@Suite struct SubgroupTests {
  /// Groups work side by side, with memory of their own, and all ranks can still meet.
  @Test(arguments: [1, 2, 5])
  func groupsKeepToThemselves(_ ranksPerNode: Int) throws {
    let results = try InProcessWorld(size: 5, ranksPerNode: ranksPerNode, stallTimeout: 20).run { world in
      let groups = [[0, 3], [4, 1, 2]]
      let own = groups[world.rank == 0 || world.rank == 3 ? 0 : 1]
      let group = try world.subgroup(of: own, tag: world.rank % 3 == 0 ? 1 : 2)
      #expect(group.worldSize == own.count && own[group.rank] == world.rank)
      let gathered = try group.allGather([UInt8(world.rank)]).map { Int($0[0]) }
      var sums = [Int64(world.rank)]
      try group.allReduceSum(&sums)
      let node = try NodeGroup.sharing(group) { _ in 1024 }
      for ranks in node.nodes { #expect(Set(ranks.map { own[$0] / ranksPerNode }).count == 1) }
      let buffer = node.makeBuffer(count: 8)
      if node.isLeader { buffer.slice(0..<8).update(repeating: Float(sums[0])) }
      try node.barrier()
      let sum = buffer.span[3]
      try node.barrier()
      if node.isShared { #expect(sum == Float(sums[0])) }
      try node.release()
      try group.release()
      let all = try world.allGather([UInt8(world.rank)])
      return gathered + [Int(sums[0]), all.count]
    }
    #expect(results[0] == [0, 3, 3, 5] && results[3] == results[0])
    #expect(results[1] == [4, 1, 2, 7, 5] && results[2] == results[1] && results[4] == results[1])
  }

  @Test func postsArriveInOrderAndNobodyWaits() throws {
    let results = try InProcessWorld(size: 3, stallTimeout: 20).run { world -> [[UInt8]] in
      #expect(try world.rank != 2 || world.collectPosts().isEmpty)
      if world.rank > 0 { for number in 0..<5 { try world.post([UInt8(world.rank), UInt8(number)], to: 0) } }
      try world.barrier()
      return try world.collectPosts().map { [UInt8($0.sender)] + $0.bytes }
    }
    #expect(results[0] == (1...2).flatMap { rank in (0..<5).map { [UInt8(rank), UInt8(rank), $0] } })
    #expect(results[1].isEmpty && results[2].isEmpty)
  }

  @Test func oneRankAloneIsAGroup() throws {
    let alone = SingleCommunicator()
    #expect(try alone.subgroup(of: [0], tag: 1).worldSize == 1)
  }
}
