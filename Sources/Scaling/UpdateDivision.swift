package import Model

/// How the ranks of a node share the optimizer's work.
///
/// Elementwise parts, and the rows of products, are divided; what a rank needs of the others' results it reads
/// in the memory that they share. Reading the updated parameters is the reduction's last part, where they
/// stand in for the sums.
package struct UpdateDivision: Sendable, Hashable {
  /// Every rank does all of it.
  package static let none = UpdateDivision(dividedShare: 0, barriers: 0, sharedBytes: 0)

  /// The part of the work that is divided, 0...1; every rank does the rest.
  package var dividedShare: Double
  /// How often ranks wait for one another's results.
  package var barriers: Int
  /// Bytes of results in between that all ranks need.
  package var sharedBytes: Int

  /// A division of these figures.
  package init(dividedShare: Double, barriers: Int, sharedBytes: Int) {
    self.dividedShare = dividedShare
    self.barriers = barriers
    self.sharedBytes = sharedBytes
  }

  /// What can be divided of an optimizer's work on parameters of this layout.
  ///
  /// Muon orthogonalises the weights of all convolutions but the first, side by side, by iterations on Gram
  /// matrices A of their shorter sides. An iteration needs all of A for B = a·I + b·A + c·A², and all of B for
  /// B·A·B: two barriers. One before them is for the directions, one behind them for the result's factor.
  package init(of optimizer: OptimizerSpecification, layout: ParameterLayout) {
    self.init(dividedShare: 1, barriers: 0, sharedBytes: 0)
    guard case .muon(let specification) = optimizer else { return }
    for tensor in layout.tensors.filter({ $0.shape.count == 4 }).dropFirst() {
      let side = min(tensor.rows, tensor.columns)
      barriers = 2 * specification.iterations + 2
      sharedBytes += 4 * (tensor.count + 2 * specification.iterations * side * side)
    }
  }

  /// Seconds of an update that takes one rank `alone`, on `ranks` ranks of a node: fixed + divided / ranks +
  /// barriers + reading. No more than `alone`, since ranks that would lose by sharing need not.
  package func seconds(alone: Double, ranks: Int, window: SharedWindow) -> Double {
    let work = alone * (1 - dividedShare) + alone * dividedShare / Double(ranks)
    let shared =
      Double(barriers) * window.barrier(ranks: ranks) + window.reading(Double(sharedBytes), ranks: ranks)
    return min(alone, work + shared)
  }
}
