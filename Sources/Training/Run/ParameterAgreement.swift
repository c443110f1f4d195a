internal import Collectives
internal import Digests
internal import Runs
internal import Tensors

/// Whether all nodes still hold the same state: parameters, the optimizer's moments, averaged weights.
///
/// Ranks that share memory have one copy, which the first of them digests.
struct ParameterAgreement {
  private let communicator: any Communicator
  private let group: NodeGroup
  /// Where the last good checkpoints are, for the sentence.
  private let refuge: String
  /// The steps that had been taken when all nodes last held the same; nil before the first comparison.
  private(set) var lastVerified: Int?

  /// Compares states that the ranks of `group` share.
  init(communicator: any Communicator, group: NodeGroup, refuge: String) {
    self.communicator = communicator
    self.group = group
    self.refuge = refuge
  }

  /// Compares the digests of all nodes; a state that has been compared is not compared again. Called by all ranks.
  ///
  /// - Throws: a shared `RunError` with exit code 70 that names the ranks that drifted from the majority.
  mutating func verify(_ state: TrainingState) throws {
    let step = state.cursor.step
    guard lastVerified != step else { return }
    guard group.nodes.count > 1 else {
      lastVerified = step
      return
    }
    let buffers = state.buffers
    let own = group.isLeader ? buffers.flatMap { SHA256Digest(of: $0.values.bytes).bytes } : []
    let gathered = try communicator.allGather(own)
    // By node, as all its ranks are to be named.
    let digests = group.nodes.map { gathered[$0[0]] }
    let parties = Dictionary(grouping: digests.indices) { digests[$0] }
    guard parties.count > 1 else {
      lastVerified = step
      return
    }
    let majority = parties.values.max { ($0.count, -$0[0]) < ($1.count, -$1[0]) } ?? []
    let odd = digests.indices.filter { !majority.contains($0) }
    let what = buffers.indices.first { index in
      let part = index * 32..<(index + 1) * 32
      return Set(digests.map { $0[part] }).count > 1
    }
    func ranks(_ nodes: [Int]) -> String { list(nodes.flatMap { group.nodes[$0] }.sorted()) }
    let last =
      lastVerified.map { "they were last the same after step \($0), and no checkpoint" } ?? "no checkpoint"
    throw RunError.shared(
      "after step \(step) the \(TrainingState.words(forPrefix: buffers[what ?? 0].prefix)) of rank \(ranks(odd)) differ "
        + "from those of rank \(ranks(majority)): the ranks no longer train the same model; \(last) in "
        + "\(refuge) is of a later one", exitCode: 70)
  }
}

extension TrainingState {
  /// SHA-256 of the flat parameters.
  var parametersDigest: SHA256Digest { SHA256Digest(of: parameters.bytes) }

  /// What the buffer is called whose tensors have this prefix in a checkpoint; a plural.
  fileprivate static func words(forPrefix prefix: String) -> String {
    switch prefix {
    case "parameters": "parameters"
    case "ema": "averaged weights"
    default: "optimizer's moments (\(prefix.split(separator: ".").last ?? ""))"
    }
  }
}
