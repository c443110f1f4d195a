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
  package var cursor = Cursor()

  /// The initial state of a run.
  package init(recipe: Recipe, layout: ParameterLayout) {
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    layout.initialize(parameters, seed: recipe.seed)
    optimizer = recipe.effectiveOptimizer.makeOptimizer(for: layout)
    averaged = recipe.averaging == nil ? nil : FloatBuffer(count: layout.count)
    averaged?.copy(from: parameters)
  }

  /// The weights that are evaluated: the averaged ones if there are any.
  var evaluated: FloatBuffer { averaged ?? parameters }

  /// The flat buffers by the prefix that their tensors have in a checkpoint.
  var buffers: [(prefix: String, values: FloatBuffer)] {
    [("parameters", parameters)]
      + optimizer.moments.map { ("optimizer." + $0.name, $0.values) }
      + (averaged.map { [("ema", $0)] } ?? [])
  }
}
