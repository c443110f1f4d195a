internal import Collectives
internal import Model
internal import Runs
internal import Tensors

/// Deals the training samples to the ranks that will work on them, anew for each epoch.
struct EpochDealer {
  /// This rank's samples, in the order of their use.
  let shard: Shard
  private let setup: RunSetup
  private var placement: Placement
  /// The epoch whose order `placement` follows, nil before the first deal.
  private var epoch: Int?

  init(_ setup: RunSetup) {
    self.setup = setup
    shard = setup.shard
    placement = setup.placement
  }

  /// Deals the samples of the cursor's epoch, unless that has been done. Called by all ranks.
  mutating func deal(_ cursor: Cursor, _ clock: inout PhaseClock) throws(CommunicatorError) {
    guard epoch != cursor.epoch else { return }
    setup.communicator.willEnter("the deal of samples", step: cursor.step + 1)
    let order = CounterGenerator(seed: setup.recipe.seed, for: .epochOrder, UInt64(cursor.epoch))
      .permutation(of: setup.plan.sampleCount)
    let next = setup.plan.placement(order: order, totalSamples: setup.dataset.trainCount)
    try shard.deal(from: placement, to: next, over: setup.communicator)
    placement = next
    epoch = cursor.epoch
    clock.lap(.data)
  }
}
