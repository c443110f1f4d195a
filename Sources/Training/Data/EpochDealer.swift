internal import Collectives
internal import Model
internal import Runs
internal import Tensors

/// Deals the training samples to the ranks that will work on them: anew for each epoch, and during one where nodes turn
/// out to be of unequal speed.
struct EpochDealer {
  /// The samples of this rank's node.
  let samples: NodeSamples
  private let setup: TrainingSetup
  /// The epoch whose order the samples follow, nil before the first deal.
  private var epoch: Int?
  private var division: LeafDivision
  /// nil where there is one node, or all shares are equal.
  private var rule: DealRule?
  /// Steps of this process, and what it had computed at the last look.
  private var steps = 0
  private var lastWork = LeafWork()

  init(_ setup: TrainingSetup) {
    self.setup = setup
    samples = setup.samples
    division = LeafDivision(equalAmong: setup.group.nodes)
    if setup.dealsBySpeed, setup.group.nodes.count > 1 { rule = DealRule(nodes: setup.group.nodes) }
  }

  /// Deals the samples of the cursor's epoch, unless that has been done, and looks at the shares now and then. Called by all
  /// ranks, before each step.
  mutating func deal(_ cursor: Cursor, _ clock: inout PhaseClock) throws(CommunicatorError) {
    let isNew = epoch != cursor.epoch
    var division = division
    if let next = try nextDivision(cursor, always: isNew && steps > 0), next != division {
      if rule?.isWorthwhile(next, instead: division, leafCount: setup.plan.maximumLeafCount) ?? false {
        division = next
      }
    }
    steps += 1
    guard isNew || division != self.division else { return }
    setup.communicator.willEnter("the deal of samples", step: cursor.step + 1)
    let order =
      isNew
      ? CounterGenerator(seed: setup.recipe.seed, for: .epochOrder, UInt64(cursor.epoch))
        .permutation(of: setup.plan.sampleCount) : samples.placement.order
    let next = Placement(
      setup.plan, division, order: order, firstStep: isNew ? 0 : cursor.stepInEpoch, old: samples.placement)
    try samples.deal(to: next, over: setup.communicator)
    setup.step.divide(division)
    (epoch, self.division) = (cursor.epoch, division)
    // Nobody reads a sample of a rank that is not done with dealing.
    try setup.group.barrier()
    clock.lap(.data)
  }

  /// The shares after what all ranks computed since the last look, if it is time for one.
  private mutating func nextDivision(
    _ cursor: Cursor, always: Bool
  ) throws(CommunicatorError) -> LeafDivision? {
    guard var rule else { return nil }
    if steps == DealRule.coldSteps { lastWork = setup.step.work }
    let isDue = rule.isDue(afterSteps: steps)
    self.rule = rule
    guard isDue || always else { return nil }
    setup.communicator.willEnter("the comparison of speeds", step: cursor.step + 1)
    let work = try setup.communicator.allGather(setup.step.work - lastWork)
    lastWork = setup.step.work
    let division = rule.division(after: work)
    self.rule = rule
    return division
  }
}
