internal import Collectives
internal import Digests
internal import Runs
internal import Tensors

/// Whether all ranks still hold the same parameters.
struct ParameterAgreement {
  let communicator: any Communicator
  /// Where the checkpoints are, for the sentence.
  let checkpoints: String

  /// Compares the digests of all ranks. Called by all ranks.
  ///
  /// - Throws: a shared `RunError` with exit code 70 that names the ranks that drifted from the majority.
  func verify(_ state: TrainingState) throws {
    let digests = try communicator.allGather(state.parametersDigest.bytes)
    let groups = Dictionary(grouping: digests.indices) { digests[$0] }
    guard groups.count > 1 else { return }
    let majority = groups.values.max { ($0.count, -$0[0]) < ($1.count, -$1[0]) } ?? []
    let odd = digests.indices.filter { !majority.contains($0) }
    throw RunError.shared(
      "after step \(state.cursor.step) the parameters of rank \(list(odd)) differ from those of rank "
        + "\(list(majority)): the ranks no longer train the same model; last good checkpoint in \(checkpoints)",
      exitCode: 70)
  }
}

extension TrainingState {
  /// SHA-256 of the flat parameters.
  var parametersDigest: SHA256Digest { SHA256Digest(of: parameters.bytes) }
}
