import AllocationCounter
import Collectives
import Datasets
import Model
import Runs
import Tensors
import TestSupport
import Testing
import Training

/// A step works in memory that was there before it.
@Suite struct AllocationTests {
  /// Takes real steps of a named recipe on three ranks, and counts each rank's heap allocations after the first three,
  /// which may still make buffers. What the exchange between the ranks takes is left out: these are threads with
  /// queues, not MPI.
  private func allocations(_ name: String, optimizer: String, ranksPerNode: Int) throws -> [Int] {
    try InProcessWorld(size: 3, ranksPerNode: ranksPerNode).run { world in
      defer { end_allocation_count() }
      var inExchanges = 0
      let communicator = ForwardingCommunicator(world) { _, _, forward throws(CommunicatorError) in
        let before = allocation_count()
        try forward()
        inExchanges += allocation_count() - before
      }
      var recipe = try #require(Recipe.named(name))
      recipe.optimizer = try #require(OptimizerSpecification(name: optimizer))
      (recipe.globalBatch, recipe.microBatch, recipe.averaging, recipe.gradientClipping) = (20, 4, 0.9, 1)
      let plan = StepPlan(
        sampleCount: 160, globalBatch: 20, microBatch: 4, dropsLastBatch: true)
      let network = try Network(recipe.network, capacity: recipe.microBatch)
      let (taken, layout) = (recipe, network.layout)
      let group = try NodeGroup.sharing(communicator) {
        TrainingStep.byteCount(localSize: $0, layout: layout, plan: plan)
          + TrainingState.byteCount(recipe: taken, layout: layout)
          + NodeSamples.byteCount(localSize: $0, capacity: 160, total: 160, longest: 784)
      }
      let state = TrainingState(recipe: recipe, layout: network.layout, team: group)
      let step = TrainingStep(
        recipe: recipe, plan: plan, totalSteps: 8, network: network, communicator: communicator,
        group: group, options: StepOptions(algorithm: .direct, isDigesting: true))
      let samples = NodeSamples(
        SyntheticDigits(seed: 1).draw(.train, 0..<160), first: 0, format: .mnist, capacity: 160,
        placement: Placement(ranges: [0..<160], totalSamples: 160), group: group)
      if group.isLeader { state.initialize(recipe) }
      try group.barrier()
      var before = 0
      for number in 0..<8 {
        if number == 3 {
          inExchanges = 0
          before = allocation_count()
        }
        state.cursor = Cursor(step: number, stepsPerEpoch: plan.stepsPerEpoch)
        _ = try step.run(state, samples: samples)
      }
      return allocation_count() - before - inExchanges
    }
  }

  @Test(
    arguments: ["quick", "sprint", "medium", "keras", "pytorch", "wide", "best"], ["sgd", "adamw", "muon"])
  func aStepAllocatesNothing(recipe: String, optimizer: String) throws {
    #expect(try allocations(recipe, optimizer: optimizer, ranksPerNode: 1) == [0, 0, 0])
    #expect(try allocations(recipe, optimizer: optimizer, ranksPerNode: 3) == [0, 0, 0])
  }

  @Test func theCounterCounts() {
    let before = allocation_count()
    defer { end_allocation_count() }
    let buffer = FloatBuffer(count: 100)
    #expect(buffer.count == 100 && allocation_count() > before)
  }
}
