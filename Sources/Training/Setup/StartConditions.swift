package import Collectives
internal import Foundation
internal import Model
internal import Runs
internal import Tensors

/// All ranks must run the same build of the program and the same command of it. Called by all ranks, before anything that
/// depends on either: the first call of a rank that does something else would be answered with something else.
///
/// `words` are the command and those of its arguments that all must have been given alike; `build` is
/// `ProgramIdentity.current`, or empty where other builds are allowed.
///
/// - Throws: a shared `RunError` with exit code 64 that names the ranks.
package func requireSameProgram(words: [String], build: String, communicator: any Communicator) throws {
  let own = [build, words.joined(separator: " ")].joined(separator: "\n")
  let all = try communicator.allGather(Array(own.utf8)).map { bytes in
    String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
  }
  let builds = all.map { parts in
    parts.count < 2 ? "unknown" : parts[0].isEmpty ? "any (--mixed-builds)" : String(parts[0].prefix(12))
  }
  if let parts = differences(builds) {
    throw RunError.shared(
      "the ranks run different builds of the program: \(parts): copy one build to the same path on all hosts, or "
        + "insist with --mixed-builds", exitCode: 64)
  }
  if let parts = differences(all.map { "'lockstep \($0.last ?? "")'" }) {
    throw RunError.shared(
      "the ranks were started with different commands: \(parts): give all ranks the same one", exitCode: 64)
  }
}

/// Options that steer what ranks do together must be the same on all of them. Called by all ranks.
///
/// - Throws: a shared `RunError` with exit code 64 that names the option and who was given what.
func requireSameOptions(_ options: TrainingOptions, communicator: any Communicator) throws {
  let own = options.agreed
  let all = try communicator.allGather(Array(try JSONEncoder().encode(own.map(\.value)))).map {
    try JSONDecoder().decode([String].self, from: Data($0))
  }
  for (index, option) in own.enumerated() {
    guard let parts = differences(all.map { index < $0.count ? $0[index] : "unknown" }) else { continue }
    throw RunError.shared(
      "the ranks were started with different options: \(option.name) is \(parts): give all ranks the same flags",
      exitCode: 64)
  }
}

extension TrainingOptions {
  /// What all ranks must have been given alike, by the flags' names: whatever decides which calls they make together and
  /// in which order, and where the one run that they make is kept.
  fileprivate var agreed: [(name: String, value: String)] {
    func text(_ flag: Bool) -> String { flag ? "given" : "not given" }
    let resumption =
      switch resume {
      case .none: "not given"
      case .newest: "given without a file"
      case .file(let path): path
      }
    return [
      ("--run", folder.path), ("--resume", resumption), ("--from", initialModel ?? "not given"),
      ("--reduction", reduction.rawValue), ("--reduction-plugin", reductionPlugin ?? "not given"),
      ("--reduction-algorithm", algorithm?.rawValue ?? "auto"),
      ("--deal", deal.rawValue), ("--no-shared-memory", text(!sharesMemory)),
      ("--checkpoint-every", checkpointEvery.map(String.init) ?? "not given"),
      ("--verify-every", "\(verifyEvery)"), ("--mixed-products", text(allowsMixedProducts)),
      ("--trace", text(trace != nil)),
    ]
  }
}

/// `a on rank 0 and 1; b on rank 2` for the values of all ranks; nil if they are the same.
private func differences(_ values: [String]) -> String? {
  let groups = Dictionary(grouping: values.indices) { values[$0] }
  guard groups.count > 1 else { return nil }
  return groups.sorted { $0.value[0] < $1.value[0] }.map { "\($0.key) on rank \(list($0.value))" }
    .joined(separator: "; ")
}

/// Every rank must have been started with the same recipe.
func requireSameRecipe(_ recipe: Recipe, communicator: any Communicator) throws {
  // A network that was called by its name is made to fit the dataset, one that was written out is not.
  let own = recipe.json() + (recipe.network.isNamed ? " by name" : "")
  let texts = try communicator.allGather(Array(own.utf8))
  guard let other = texts.firstIndex(where: { $0 != texts[0] }) else { return }
  throw RunError.shared(
    "rank \(other) was started with another recipe than rank 0: give all ranks the same flags", exitCode: 64)
}

/// Ranks whose products have other bits would train a model that depends on who computed what.
func requireSameProducts(allowsMixed: Bool, communicator: any Communicator) throws {
  let names = try communicator.allGather(Array(Products.shared.identity.utf8)).map {
    String(decoding: $0, as: UTF8.self)
  }
  guard !allowsMixed, let parts = differences(names) else { return }
  throw RunError.shared(
    "the ranks' products have different bits: \(parts): leave --products openblas away, or "
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
