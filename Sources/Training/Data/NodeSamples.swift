package import Collectives
package import Datasets

/// The samples of the epoch under way as the ranks of a node hold them, each rank's where all of them can read: whoever
/// computes a leaf finds its samples with the rank that it was dealt to.
package final class NodeSamples {
  /// This rank's own samples, in the order of their use.
  package let shard: Shard
  private let plan: StepPlan
  private let group: NodeGroup
  /// Those of all ranks of the node.
  private let shards: [Shard]

  /// From which step of the epoch on the leaves are divided like this, and where each rank's samples of it begin.
  private var firstStep = 0
  private var firstSlots: [Int]
  /// The leaves of this node's ranks in a full step, and in a shorter last one.
  private var full: [Range<Int>] = []
  private var last: [Range<Int>] = []
  private let lastStep: Int

  /// Samples of a rank that nobody else sees.
  package convenience init(_ shard: Shard, plan: StepPlan, group: NodeGroup) {
    self.init(shard, shards: [shard], plan: plan, group: group)
  }

  /// Reads what was read from files into memory that the node's ranks share; `capacity` samples each. Called by all ranks.
  package convenience init(
    _ images: LabelledImages, first: Int, capacity: Int, plan: StepPlan, group: NodeGroup
  ) {
    let bytes = ShardMemory.byteCount(capacity: capacity)
    let memory = (0..<group.localSize).compactMap { _ in
      group.take(byteCount: bytes).map { ShardMemory(shared: $0, capacity: capacity) }
    }
    let own = Shard(images, first: first, memory: memory.isEmpty ? nil : memory[group.localRank])
    let shards =
      memory.isEmpty ? [own] : memory.indices.map { $0 == group.localRank ? own : Shard(memory[$0]) }
    self.init(own, shards: shards, plan: plan, group: group)
  }

  private init(_ shard: Shard, shards: [Shard], plan: StepPlan, group: NodeGroup) {
    self.shard = shard
    self.shards = shards
    self.plan = plan
    self.group = group
    firstSlots = Array(repeating: 0, count: shards.count)
    lastStep = plan.batchCount - 1
    divide(LeafDivision(equalAmong: group.nodes), from: 0, before: firstSlots)
  }

  /// The bytes in common that the samples take on a node of so many ranks.
  package static func byteCount(localSize: Int, capacity: Int) -> Int {
    localSize * SharedMemory.space(ShardMemory.byteCount(capacity: capacity))
  }

  /// Says that from `step` of the epoch on leaves are divided like this, and that samples lie as `placement` says.
  package func divide(_ division: LeafDivision, from step: Int, _ placement: Placement) {
    var before = Array(repeating: 0, count: group.localSize)
    for position in 0..<plan.positions(ofStep: step).lowerBound {
      let owner = Int(placement.owners[Int(placement.order[position])])
      if let rank = group.ranks.firstIndex(of: owner) { before[rank] += 1 }
    }
    divide(division, from: step, before: before)
  }

  private func divide(_ division: LeafDivision, from step: Int, before: [Int]) {
    firstStep = step
    firstSlots = before
    func leaves(_ step: Int) -> [Range<Int>] {
      let all = division.leavesOfRanks(plan.leafCount(ofStep: step))
      return group.ranks.map { all[$0] }
    }
    full = leaves(0)
    last = leaves(lastStep)
  }

  /// Where the samples of a micro-batch lie: one behind the other from a slot of a shard on.
  package func place(ofLeaf leaf: Int, step: Int) -> (shard: Shard, slot: Int) {
    let leaves = step == lastStep ? last : full
    for rank in leaves.indices where leaves[rank].contains(leaf) {
      let perStep = plan.positions(ofLeaves: full[rank], step: 0).count
      let slot = firstSlots[rank] + (step - firstStep) * perStep
      return (shards[rank], slot + (leaf - leaves[rank].lowerBound) * plan.microBatch)
    }
    preconditionFailure("leaf \(leaf) of step \(step) was dealt to another node")
  }
}
