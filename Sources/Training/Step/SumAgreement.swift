internal import Collectives
internal import Runs
internal import Tensors

/// Whether a reduction plugin gives all ranks the same sums: those who have other ones would train another model, and those
/// who share memory a mixture of several.
final class SumAgreement {
  private let plugin: ReductionPlugin
  private let communicator: any Communicator
  private var step = 0

  /// Of the sums that `plugin` makes.
  init(of plugin: ReductionPlugin, over communicator: any Communicator) {
    self.plugin = plugin
    self.communicator = communicator
  }

  /// The first steps are compared, in which most mistakes show, and then one of so many.
  private static let first = 10
  private static let interval = 100

  /// Compares the bits of a step's sum with those of the other ranks. Called by all ranks in each step.
  ///
  /// - Throws: a shared `RunError` with exit code 70 that names the ranks with other bits than most.
  func verify(_ sum: FloatBuffer) throws {
    step += 1
    guard step <= Self.first || step % Self.interval == 0 else { return }
    let hashes = try communicator.allGather(numbers: [Double(bitPattern: sum.bitHash())]).map {
      $0[0].bitPattern
    }
    let parties = Dictionary(grouping: hashes.indices) { hashes[$0] }
    guard parties.count > 1 else { return }
    let most = parties.values.max { ($0.count, -$0[0]) < ($1.count, -$1[0]) } ?? []
    let others = hashes.indices.filter { !most.contains($0) }
    throw RunError.shared(
      "\(plugin.path): the sums differ among the ranks in step \(step): rank \(list(others)) \(others.count == 1 ? "has" : "have") "
        + "other bits than rank \(list(most)); lockstep grade tells more", exitCode: 70)
  }
}
