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
        for worldSize in [1, 2, 3, 5] {
          let plan = StepPlan(
            sampleCount: sampleCount, globalBatch: globalBatch, microBatch: microBatch,
            dropsLastBatch: dropsLastBatch, worldSize: worldSize)
          #expect(
            plan.stepsPerEpoch
              == (dropsLastBatch ? sampleCount / globalBatch : (sampleCount - 1) / globalBatch + 1))
          var next = 0
          for step in 0..<plan.stepsPerEpoch {
            let leaves = (0..<plan.leafCount(ofStep: step)).map { plan.positions(ofLeaf: $0, step: step) }
            let ranks = (0..<worldSize).map { plan.positions(ofRank: $0, step: step) }
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

  /// A rank's samples of a step lie in its shard where `localStart` says.
  @Test func aRanksShardHoldsItsSamplesInOrder() {
    let plan = StepPlan(sampleCount: 50, globalBatch: 12, microBatch: 4, dropsLastBatch: false, worldSize: 2)
    let order = (0..<50).map { Int32(($0 * 7) % 50) }
    let placement = plan.placement(order: order, totalSamples: 55)
    #expect(placement.owners[50...].allSatisfy { $0 == Placement.nobody })
    for rank in 0..<2 {
      let samples = placement.samples(of: rank)
      for step in 0..<plan.stepsPerEpoch {
        let positions = plan.positions(ofRank: rank, step: step)
        let start = plan.localStart(ofRank: rank, step: step)
        #expect(Array(samples[start..<start + positions.count]) == positions.map { order[$0] })
      }
    }
  }

  /// Deals from order to order: each rank ends with its samples, each with its own pixels and label.
  @Test(arguments: [1, 2, 3, 7]) func dealingKeepsSamplesWhole(_ worldSize: Int) throws {
    let count = 41
    @Sendable func pixel(_ sample: Int32) -> UInt8 { UInt8(truncatingIfNeeded: Int(sample) * 13 + 5) }
    let plan = StepPlan(
      sampleCount: count, globalBatch: 16, microBatch: 2, dropsLastBatch: true, worldSize: worldSize)
    let held = try InProcessWorld(size: worldSize).run { communicator in
      // The first rank read everything, as where only one has the files.
      let mine = communicator.rank == 0 ? 0..<count : 0..<0
      let shard = Shard(
        LabelledImages(
          images: mine.flatMap { [UInt8](repeating: pixel(Int32($0)), count: 784) },
          labels: mine.map { UInt8($0 % 10) }), first: 0)
      var placement = Placement(
        ranges: (0..<worldSize).map { $0 == 0 ? 0..<count : 0..<0 }, totalSamples: count)
      var wrong = 0
      for factor in [3, 5, 7, 11] {
        let next = plan.placement(order: (0..<count).map { Int32($0 * factor % count) }, totalSamples: count)
        try shard.deal(from: placement, to: next, over: communicator)
        placement = next
        if shard.samples != next.samples(of: communicator.rank) { wrong += 1 }
        for slot in 0..<shard.count {
          let image = shard.image(slot)
          for index in image.indices where image[index] != pixel(shard.samples[slot]) { wrong += 1 }
          if shard.label(slot) != UInt8(shard.samples[slot] % 10) { wrong += 1 }
        }
      }
      return (wrong, shard.count)
    }
    #expect(held.allSatisfy { $0.0 == 0 } && held.reduce(0) { $0 + $1.1 } == count)
  }
}
