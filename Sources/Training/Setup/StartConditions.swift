internal import Collectives
internal import Runs
internal import Tensors

/// Every rank must have been started with the same recipe.
func requireSameRecipe(_ recipe: Recipe, communicator: any Communicator) throws {
  let texts = try communicator.allGather(Array(recipe.json().utf8))
  guard let other = texts.firstIndex(where: { $0 != texts[0] }) else { return }
  throw RunError.shared(
    "rank \(other) was started with another recipe than rank 0: give all ranks the same flags", exitCode: 64)
}

/// Ranks whose products have other bits would train a model that depends on who computed what.
func requireSameProducts(_ options: TrainingOptions, communicator: any Communicator) throws {
  let names = try communicator.allGather(Array(Products.shared.identity.utf8)).map {
    String(decoding: $0, as: UTF8.self)
  }
  let groups = Dictionary(grouping: names.indices) { names[$0] }
  guard groups.count > 1, !options.allowsMixedProducts else { return }
  let parts = groups.keys.sorted().map { "\($0) on rank \(list(groups[$0] ?? []))" }
  throw RunError.shared(
    "the ranks' products have different bits: \(parts.joined(separator: "; ")): leave --products openblas away, or "
      + "insist with --mixed-products", exitCode: 64)
}

/// More ranks than micro-batches would leave some without work in every step.
func requireWorkForAll(_ plan: StepPlan, worldSize: Int) throws(RunError) {
  guard worldSize > plan.maximumLeafCount else { return }
  throw RunError(
    "\(worldSize) ranks, but a global batch of \(plan.globalBatch) in micro-batches of "
      + "\(plan.microBatch) has work for \(plan.maximumLeafCount): use at most \(plan.maximumLeafCount) "
      + "ranks, a larger --global-batch or a smaller --micro-batch", exitCode: 64)
}

/// `0`, `0 and 2`, `0, 1 and 5`.
func list(_ ranks: [Int]) -> String {
  let words = ranks.map(String.init)
  guard words.count > 1, let last = words.last else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " and " + last
}
