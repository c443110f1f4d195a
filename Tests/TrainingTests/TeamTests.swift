import Collectives
import Model
import Runs
import Tensors
import Testing
import Training

/// Ranks that make an update together make the one that each would make alone.
@Suite struct TeamTests {
  /// Parameters and moments after some steps on random gradients, as bits; those of the whole team's memory.
  private func updated(_ recipe: Recipe, by count: Int, isCrowded: Bool = false) throws -> [UInt32] {
    try InProcessWorld(size: count, ranksPerNode: count).run { communicator in
      let layout = try Network(recipe.network, capacity: 1).layout
      let group = try NodeGroup.sharing(communicator, isCrowded: isCrowded) { _ in
        TrainingState.byteCount(recipe: recipe, layout: layout)
      }
      let state = TrainingState(recipe: recipe, layout: layout, team: group)
      if group.isLeader { state.initialize(recipe) }
      try group.barrier()
      let gradient = FloatBuffer(count: layout.count)
      for step in 0..<3 {
        var values = gradient.mutableSpan
        CounterGenerator(seed: UInt64(step), for: .test).fillNormal(&values, standardDeviation: 1)
        try state.optimizer.update(
          state.parameters, gradient: gradient.span, scale: 0.3, rate: 0.7, step: step)
        try group.barrier()
      }
      let all = [state.parameters] + state.optimizer.moments.map(\.values)
      let bits = all.map { $0.elements.reduce(UInt32(0)) { $0 &* 31 &+ $1.bitPattern } }
      // Others may still read.
      try group.barrier()
      return bits
    }[0]
  }

  @Test(arguments: ["quick", "medium", "wide", "mlp", "pytorch"], ["sgd", "adamw", "muon"])
  func theSizeOfATeamChangesNothing(_ name: String, _ optimizer: String) throws {
    var recipe = try #require(Recipe.named(name))
    recipe.optimizer = try #require(OptimizerSpecification(name: optimizer))
    if case .sgd(var specification) = recipe.optimizer {
      (specification.momentum, specification.nesterov) = (0.9, true)
      recipe.optimizer = .sgd(specification)
    }
    let alone = try updated(recipe, by: 1)
    // More members than a small matrix has rows for are among them.
    for count in [2, 3, 7, 20] { #expect(try updated(recipe, by: count) == alone, "\(count) members") }
    // Where they take turns on a core, the first makes the products of all.
    #expect(try updated(recipe, by: 3, isCrowded: true) == alone)
  }
}
