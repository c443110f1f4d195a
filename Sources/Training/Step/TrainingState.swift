package import Collectives
package import Model
package import Runs
package import Tensors

/// What training changes: flat buffers and the cursor. The same on every rank, to the bit.
package final class TrainingState {
  package let layout: ParameterLayout
  package let parameters: FloatBuffer
  package let optimizer: any Optimizer
  /// The exponential moving average of the parameters, if the recipe wants one.
  package let averaged: FloatBuffer?
  /// What was validated best so far, before the first validation the weights that the run began with; if the recipe has
  /// patience.
  package let best: FloatBuffer?
  /// How long that has been so.
  var earlyStopping: EarlyStopping?
  package var cursor = Cursor()

  /// The initial state of a run.
  package convenience init(recipe: Recipe, layout: ParameterLayout) {
    self.init(recipe: recipe, layout: layout, team: LoneTeam())
    initialize(recipe)
  }

  /// Memory for the state, which the members of `team` share: nothing is in it yet.
  package init(recipe: Recipe, layout: ParameterLayout, team: any Team) {
    self.layout = layout
    parameters = team.makeBuffer(count: layout.count)
    optimizer = recipe.effectiveOptimizer.makeOptimizer(for: layout, team: team)
    averaged = recipe.averaging == nil ? nil : team.makeBuffer(count: layout.count)
    best = recipe.patience == nil ? nil : team.makeBuffer(count: layout.count)
    earlyStopping = recipe.patience.map { EarlyStopping(patience: $0) }
  }

  /// Fills it as at the beginning of a run. Called by one of those who share it.
  package func initialize(_ recipe: Recipe) {
    layout.initialize(parameters, seed: recipe.seed, scale: recipe.initialScale ?? 1)
    copyParameters()
  }

  /// Begins averages and the best weights with the parameters. Called by one of those who share the state.
  func copyParameters() {
    averaged?.copy(from: parameters)
    best?.copy(from: parameters)
  }

  /// The bytes in common that a state takes.
  package static func byteCount(recipe: Recipe, layout: ParameterLayout) -> Int {
    let meter = MemoryMeter()
    _ = TrainingState(recipe: recipe, layout: layout, team: meter)
    return meter.byteCount
  }

  /// The weights that are validated: the averaged ones if there are any.
  var current: FloatBuffer { averaged ?? parameters }

  /// The weights that are the model: the best ones where they are kept, else the current ones.
  var model: FloatBuffer { best ?? current }

  /// The flat buffers by the prefix that their tensors have in a checkpoint.
  var buffers: [(prefix: String, values: FloatBuffer)] {
    [("parameters", parameters)]
      + optimizer.moments.map { ("optimizer." + $0.name, $0.values) }
      + (averaged.map { [("ema", $0)] } ?? []) + (best.map { [("best", $0)] } ?? [])
  }
}

/// Adds up what a state asks for, and gives nothing.
private final class MemoryMeter: Team {
  private(set) var byteCount = 0
  let index = 0
  let count = 1

  func barrier() {}

  func makeBuffer(count: Int) -> FloatBuffer {
    byteCount += SharedMemory.space(floats: count)
    return FloatBuffer(count: 0)
  }
}

/// The ranks of a node make an update together.
extension NodeGroup: Team {
  package var index: Int { localRank }
  package var count: Int { localSize }
}
