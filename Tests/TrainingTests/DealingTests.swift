import Collectives
import Datasets
import Testing
import Training

/// Who works on what: the plan, the placement and the deal.
@Suite struct DealingTests {
  /// Every position of an epoch belongs to one leaf and one rank, in order, whatever the numbers.
  @Test func leavesAndRanksCoverAnEpoch() {
    for (sampleCount, globalBatch, microBatch) in [(100, 32, 4), (97, 30, 7), (10, 64, 3), (64, 64, 64)] {
      for dropsLastBatch in [true, false] {
        let plan = StepPlan(
          sampleCount: sampleCount, globalBatch: globalBatch, microBatch: microBatch,
          dropsLastBatch: dropsLastBatch)
        #expect(
          plan.stepsPerEpoch
            == (dropsLastBatch ? sampleCount / globalBatch : (sampleCount - 1) / globalBatch + 1))
        for division in [
          LeafDivision(worldSize: 1), LeafDivision(worldSize: 5),
          LeafDivision(equalAmong: [[0, 2], [1], [3]]),
          LeafDivision([[0], [1, 2], [3]], costs: [3, 1, 9]),
        ] {
          var next = 0
          for step in 0..<plan.stepsPerEpoch {
            let count = plan.leafCount(ofStep: step)
            let leaves = (0..<count).map { plan.positions(ofLeaf: $0, step: step) }
            let shares = division.leavesOfRanks(count)
            let ranks = division.nodes.joined().map { plan.positions(ofLeaves: shares[$0], step: step) }
            #expect(leaves.allSatisfy { 1...microBatch ~= $0.count })
            #expect(leaves.count <= plan.maximumLeafCount)
            for parts in [leaves, ranks] {
              #expect(parts.flatMap { Array($0) } == Array(plan.positions(ofStep: step)))
            }
            #expect(plan.positions(ofStep: step).lowerBound == next)
            next = plan.positions(ofStep: step).upperBound
          }
        }
      }
    }
  }

  /// Shares after speeds: no other numbers of leaves end sooner.
  @Test func sharesFollowCosts() {
    func counts(_ costs: [Int], _ leaves: Int) -> [Int] {
      LeafDivision(costs.indices.map { [$0] }, costs: costs).leavesOfNodes(leaves).map(\.count)
    }
    #expect(counts([1, 1, 1, 2], 14) == [4, 4, 4, 2])
    #expect(counts([100, 100, 100, 200], 16) == [5, 5, 4, 2])
    #expect(counts([10, 1], 11) == [1, 10])
    #expect(counts([3, 3, 3], 2) == [1, 1, 0])
  }

  /// Whoever computes a leaf finds its samples, also after shares changed within an epoch; between ranks of a node nothing
  /// travels.
  @Test(arguments: [(1, 1), (2, 1), (4, 2), (5, 3), (6, 6)])
  func theSamplesOfALeafAreFound(_ worldSize: Int, _ ranksPerNode: Int) throws {
    let plan = StepPlan(sampleCount: 110, globalBatch: 24, microBatch: 4, dropsLastBatch: false)
    let orders = [3, 7, 9].map { factor in (0..<110).map { Int32($0 * factor % 110) } }
    let wrong = try InProcessWorld(size: worldSize, ranksPerNode: ranksPerNode).run { communicator in
      let group = try NodeGroup.sharing(communicator) {
        NodeSamples.byteCount(localSize: $0, capacity: 115, total: 115, longest: 784)
      }
      let ranges = (0..<worldSize).map { 115 * $0 / worldSize..<115 * ($0 + 1) / worldSize }
      let mine = ranges[communicator.rank]
      let samples = NodeSamples(
        LabelledImages(
          images: mine.flatMap { [UInt8](repeating: UInt8($0), count: 784) },
          labels: mine.map { UInt16($0 % 10) }),
        first: mine.lowerBound, format: .mnist, capacity: 115,
        placement: Placement(ranges: ranges, totalSamples: 115), group: group)
      var wrong = 0
      for (epoch, order) in orders.enumerated() {
        // Equal shares; others from the third step on; the epoch after begins with those.
        for (firstStep, costs) in [(0, epoch), (2, epoch + 1)] {
          let division =
            costs == 0
            ? LeafDivision(equalAmong: group.nodes)
            : LeafDivision(group.nodes, costs: group.nodes.indices.map { 1 + $0 * costs })
          let before = samples.placement
          let next = Placement(plan, division, order: order, firstStep: firstStep, old: before)
          if group.nodes.count == 1, !order.allSatisfy({ before.owners[Int($0)] == next.owners[Int($0)] }) {
            wrong += 1
          }
          try samples.deal(to: next, over: communicator)
          try communicator.barrier()
          for step in firstStep..<(firstStep == 0 ? 2 : plan.stepsPerEpoch) {
            let nodes = division.leavesOfNodes(plan.leafCount(ofStep: step))
            for leaf in nodes[group.nodeIndex] {
              for position in plan.positions(ofLeaf: leaf, step: step) {
                let sample = samples.sample(at: position)
                if sample != order[position] || samples.label(of: sample) != UInt16(sample % 10)
                  || samples.image(of: sample)[77] != UInt8(sample)
                {
                  wrong += 1
                }
              }
            }
          }
          try communicator.barrier()
        }
      }
      return wrong
    }
    #expect(wrong.allSatisfy { $0 == 0 }, "\(wrong)")
  }

  /// Deals from order to order: each rank ends with its samples, each with its own pixels and label.
  @Test(arguments: [1, 2, 3, 7]) func dealingKeepsSamplesWhole(_ worldSize: Int) throws {
    let count = 41
    @Sendable func pixel(_ sample: Int32) -> UInt8 { UInt8(truncatingIfNeeded: Int(sample) * 13 + 5) }
    let plan = StepPlan(
      sampleCount: count, globalBatch: 16, microBatch: 2, dropsLastBatch: true)
    let held = try InProcessWorld(size: worldSize).run { communicator in
      // The first rank read everything, as where only one has the files.
      let mine = communicator.rank == 0 ? 0..<count : 0..<0
      let shard = Shard(
        LabelledImages(
          images: mine.flatMap { [UInt8](repeating: pixel(Int32($0)), count: 784) },
          labels: mine.map { UInt16($0 % 10) }), first: 0, of: count, format: .mnist)
      var placement = Placement(
        ranges: (0..<worldSize).map { $0 == 0 ? 0..<count : 0..<0 }, totalSamples: count)
      var wrong = 0
      for factor in [3, 5, 7, 11] {
        let next = Placement(
          plan, LeafDivision(worldSize: worldSize), order: (0..<count).map { Int32($0 * factor % count) },
          old: placement)
        try shard.deal(from: placement, to: next, over: communicator)
        placement = next
        if shard.samples != next.samples(of: communicator.rank) { wrong += 1 }
        for sample in shard.samples {
          let image = shard.image(of: sample)
          for index in image.indices where image[index] != pixel(sample) { wrong += 1 }
          if shard.label(of: sample) != UInt16(sample % 10) { wrong += 1 }
        }
      }
      return (wrong, shard.count)
    }
    #expect(held.allSatisfy { $0.0 == 0 } && held.reduce(0) { $0 + $1.1 } == count)
  }

  /// Labels that take two bytes travel with images of another shape.
  @Test(arguments: [1, 3]) func dealingKeepsOtherSamplesWhole(_ worldSize: Int) throws {
    let count = 31
    let format = SampleFormat(shape: ImageShape(height: 3, width: 5), classCount: 1000)
    @Sendable func label(_ sample: Int) -> UInt16 { UInt16(sample * 37 % 1000) }
    let held = try InProcessWorld(size: worldSize).run { communicator in
      let mine = communicator.rank == 0 ? 0..<count : 0..<0
      let images = LabelledImages(
        images: mine.flatMap { [UInt8](repeating: UInt8($0), count: 15) }, labels: mine.map(label),
        shape: format.shape)
      let shard = Shard(images, first: 0, of: count, format: format)
      let old = Placement(
        ranges: (0..<worldSize).map { $0 == 0 ? 0..<count : 0..<0 }, totalSamples: count)
      let new = Placement(
        ranges: (0..<worldSize).map { count * $0 / worldSize..<count * ($0 + 1) / worldSize },
        totalSamples: count)
      try shard.deal(from: old, to: new, over: communicator)
      return shard.samples.filter { sample in
        let image = shard.image(of: sample)
        return shard.label(of: sample) == label(Int(sample)) && image.count == 15
          && image[0] == UInt8(sample) && image[14] == UInt8(sample)
      }.count
    }
    #expect(held.reduce(0, +) == count)
  }
}
