package import Collectives
package import Datasets

/// The training samples as the ranks of a node hold them, each rank's where all of them can read: whoever computes a leaf
/// finds its samples.
package final class NodeSamples {
  /// Who has which samples now, and the order of the epoch under way.
  package private(set) var placement: Placement
  /// This rank's own samples.
  package let shard: Shard
  /// Those of all ranks of the node, or this one's alone.
  private let shards: [Shard]
  /// By world rank, which of `shards` are its.
  private let shardOfRank: [Int]

  /// Takes over what was read from files, `first` being the index of the first sample, as `placement` says that all ranks
  /// have; there is room for `capacity` samples of each rank in memory that the node shares, for frames of up to `longest`
  /// pixels. Called by all ranks.
  package init(
    _ images: CroppedImages, first: Int, longest: Int, capacity: Int, placement: Placement, group: NodeGroup
  ) {
    let format = images.format
    self.placement = placement
    let total = placement.owners.count
    if let places = group.take(byteCount: ShardMemory.byteCount(total: total)) {
      let memory = (0..<group.localSize).compactMap { _ in
        group.take(byteCount: ShardMemory.byteCount(capacity: capacity, longest: longest)).map {
          ShardMemory(
            sharedRecords: $0, capacity: capacity, sharedPlaces: places, total: total, format: format,
            longest: longest)
        }
      }
      let own = Shard(images, first: first, of: total, memory: memory[group.localRank])
      shard = own
      shards = memory.indices.map { $0 == group.localRank ? own : Shard(memory[$0]) }
    } else {
      shard = Shard(images, first: first, of: total, longest: longest)
      shards = [shard]
    }
    var shardOfRank = Array(repeating: 0, count: group.nodes.reduce(0) { $0 + $1.count })
    if shards.count > 1 { for (index, rank) in group.ranks.enumerated() { shardOfRank[rank] = index } }
    self.shardOfRank = shardOfRank
  }

  /// The same for whole images.
  package convenience init(
    _ images: LabelledImages, first: Int, format: SampleFormat, capacity: Int, placement: Placement,
    group: NodeGroup
  ) {
    self.init(
      CroppedImages(images, format: format), first: first, longest: format.shape.pixelCount,
      capacity: capacity, placement: placement, group: group)
  }

  /// The bytes in common that the samples take on a node of so many ranks.
  package static func byteCount(localSize: Int, capacity: Int, total: Int, longest: Int) -> Int {
    SharedMemory.space(ShardMemory.byteCount(total: total))
      + localSize * SharedMemory.space(ShardMemory.byteCount(capacity: capacity, longest: longest))
  }

  /// The sample at a position of the epoch under way.
  package func sample(at position: Int) -> Int32 { placement.order[position] }

  /// The pixels, row by row, of a sample that lies on this node, until the next one is asked for.
  @_lifetime(borrow self)
  package func image(of sample: Int32) -> Span<UInt8> {
    _overrideLifetime(shard(of: sample).image(of: sample), borrowing: self)
  }

  /// The label of a sample that lies on this node.
  package func label(of sample: Int32) -> UInt16 { shard(of: sample).label(of: sample) }

  private func shard(of sample: Int32) -> Shard {
    shards[shardOfRank[Int(placement.owners[Int(sample)])]]
  }

  /// Brings the samples to where `new` wants them. Called by all ranks; nobody may read a sample before all of the node have
  /// returned.
  package func deal(to new: Placement, over communicator: any Communicator) throws(CommunicatorError) {
    if new.owners != placement.owners { try shard.deal(from: placement, to: new, over: communicator) }
    placement = new
  }
}
