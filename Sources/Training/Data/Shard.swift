package import Collectives
package import Datasets

/// One rank's part of a dataset: images and labels in the order in which the rank uses them.
///
/// A sample stays where it lies in memory for as long as the rank keeps it.
package final class Shard {
  /// The number of samples.
  package private(set) var count = 0
  private var memory: ShardMemory

  private static let recordLength = ShardMemory.recordLength

  /// Takes over what was read from files; `first` is the first sample's index. Memory of the shard's own grows as it must;
  /// `memory` that others see does not.
  package convenience init(_ images: LabelledImages, first: Int, memory: ShardMemory? = nil) {
    self.init(memory ?? ShardMemory(capacity: images.count))
    precondition(images.count <= self.memory.capacity, "\(images.count) samples for \(self.memory.capacity)")
    count = images.count
    let pixels = Self.recordLength - 1
    images.images.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for slot in 0..<images.count {
        self.memory.samples[slot] = Int32(first + slot)
        self.memory.places[slot] = Int32(slot)
        let record = record(slot)
        record.update(from: base + slot * pixels, count: pixels)
        record[pixels] = images.labels[slot]
      }
    }
  }

  /// What lies in `memory`: nothing yet, or another rank's samples, which are there to be read.
  init(_ memory: ShardMemory) {
    self.memory = memory
  }

  deinit {
    memory.deallocate()
  }

  /// The index in the dataset's part of the sample in `slot`.
  package func sample(_ slot: Int) -> Int32 { memory.samples[slot] }

  /// The samples' indices in the dataset's part, slot by slot.
  package var samples: [Int32] { (0..<count).map { memory.samples[$0] } }

  /// The 784 pixels of the sample in `slot`, row by row.
  @_lifetime(borrow self)
  package func image(_ slot: Int) -> Span<UInt8> {
    _overrideLifetime(Span(_unsafeStart: record(slot), count: Self.recordLength - 1), borrowing: self)
  }

  /// The label of the sample in `slot`.
  package func label(_ slot: Int) -> UInt8 {
    record(slot)[Self.recordLength - 1]
  }

  private func record(_ slot: Int) -> UnsafeMutablePointer<UInt8> {
    memory.records + Int(memory.places[slot]) * Self.recordLength
  }

  /// Deals the samples anew: every sample of `new` travels from the rank that keeps it under `old` to the rank
  /// that is to keep it, in one all-to-all. Called by all ranks.
  ///
  /// Samples that stay on their rank are not touched; those that come take places that are free.
  package func deal(
    from old: Placement, to new: Placement, over communicator: any Communicator
  ) throws(CommunicatorError) {
    let rank = Int32(communicator.rank)
    var kept = [Int32](repeating: -1, count: old.owners.count)
    for slot in 0..<count where new.owners[Int(sample(slot))] == rank {
      kept[Int(sample(slot))] = memory.places[slot]
    }
    let incoming = try exchange(from: old, to: new, over: communicator, includingOwn: false)
    defer { incoming.deallocate() }

    let target = new.samples(of: communicator.rank)
    if target.count > memory.capacity { memory.grow(to: target.count) }
    var isKept = [Bool](repeating: false, count: memory.capacity)
    for place in kept where place >= 0 { isKept[Int(place)] = true }
    var vacant = isKept.indices.reversed().filter { !isKept[$0] }.map { Int32($0) }
    place(target, from: incoming, sources: old.owners) { sample in
      kept[Int(sample)] >= 0 ? (kept[Int(sample)], isNew: false) : (vacant.removeLast(), isNew: true)
    }
  }

  /// A new shard with this rank's samples of `new`, as `deal` would give, while this one stays as it is. Called by
  /// all ranks.
  package func dealt(
    from old: Placement, to new: Placement, over communicator: any Communicator
  ) throws(CommunicatorError) -> Shard {
    let incoming = try exchange(from: old, to: new, over: communicator, includingOwn: true)
    defer { incoming.deallocate() }
    let target = new.samples(of: communicator.rank)
    let result = Shard(ShardMemory(capacity: target.count))
    var next: Int32 = 0
    result.place(target, from: incoming, sources: old.owners) { _ in
      defer { next += 1 }
      return (next, isNew: true)
    }
    return result
  }

  // MARK: - The exchange

  /// What arrived, by the rank it came from.
  private struct Incoming {
    let records: UnsafeMutablePointer<UInt8>
    /// For each rank the number of records before its own.
    let starts: [Int]

    func deallocate() { records.deallocate() }
  }

  /// Both sides enumerate what they exchange in the order of `new`, so that no indices travel.
  private func exchange(
    from old: Placement, to new: Placement, over communicator: any Communicator, includingOwn: Bool
  ) throws(CommunicatorError) -> Incoming {
    let length = Self.recordLength
    let rank = Int32(communicator.rank)
    var slots = [Int32](repeating: -1, count: old.owners.count)
    for slot in 0..<count { slots[Int(sample(slot))] = Int32(slot) }
    var sendCounts = [Int](repeating: 0, count: communicator.worldSize)
    var receiveCounts = sendCounts
    for sample in new.order {
      let (source, target) = (old.owners[Int(sample)], new.owners[Int(sample)])
      guard includingOwn || source != target else { continue }
      if source == rank { sendCounts[Int(target)] += 1 }
      if target == rank { receiveCounts[Int(source)] += 1 }
    }

    let outgoing = UnsafeMutablePointer<UInt8>.allocate(capacity: max(sendCounts.reduce(0, +) * length, 1))
    defer { outgoing.deallocate() }
    var next = starts(sendCounts)
    for sample in new.order where old.owners[Int(sample)] == rank {
      let target = Int(new.owners[Int(sample)])
      guard includingOwn || target != communicator.rank else { continue }
      (outgoing + next[target] * length).update(from: record(Int(slots[Int(sample)])), count: length)
      next[target] += 1
    }

    let received = receiveCounts.reduce(0, +) * length
    let incoming = UnsafeMutablePointer<UInt8>.allocate(capacity: max(received, 1))
    var arriving = MutableRawSpan(_unsafeStart: incoming, byteCount: received)
    do {
      try communicator.allToAll(
        send: RawSpan(_unsafeStart: outgoing, byteCount: sendCounts.reduce(0, +) * length),
        sendCounts: sendCounts.map { $0 * length }, receive: &arriving,
        receiveCounts: receiveCounts.map { $0 * length })
    } catch {
      incoming.deallocate()
      throw error
    }
    return Incoming(records: incoming, starts: starts(receiveCounts))
  }

  private func starts(_ counts: [Int]) -> [Int] {
    var sum = 0
    return counts.map { count in
      defer { sum += count }
      return sum
    }
  }

  /// Makes `target` this shard's samples, each in the place that `place` says; new ones are taken from `incoming`.
  private func place(
    _ target: [Int32], from incoming: Incoming, sources: [Int32],
    at place: (Int32) -> (index: Int32, isNew: Bool)
  ) {
    precondition(target.count <= memory.capacity, "\(target.count) samples for \(memory.capacity)")
    var next = incoming.starts
    for (slot, sample) in target.enumerated() {
      let (index, isNew) = place(sample)
      if isNew {
        let source = Int(sources[Int(sample)])
        (memory.records + Int(index) * Self.recordLength).update(
          from: incoming.records + next[source] * Self.recordLength, count: Self.recordLength)
        next[source] += 1
      }
      memory.places[slot] = index
      memory.samples[slot] = sample
    }
    count = target.count
  }
}

/// Where a shard's samples lie: in memory of its own, or in memory that the ranks of a node share.
package struct ShardMemory {
  /// Bytes of one sample: 28 × 28 pixels, then the label.
  static let recordLength = 28 * 28 + 1

  /// Samples that there is room for.
  package private(set) var capacity: Int
  /// The sample's index in the dataset's part, slot by slot.
  let samples: UnsafeMutablePointer<Int32>
  /// Where in `records` the sample of each slot lies.
  let places: UnsafeMutablePointer<Int32>
  /// [capacity, `recordLength`].
  let records: UnsafeMutablePointer<UInt8>
  private let base: UnsafeMutableRawPointer
  private let isOwned: Bool

  /// Memory of its own.
  package init(capacity: Int) {
    self.init(
      .allocate(byteCount: max(Self.byteCount(capacity: capacity), 1), alignment: 64), capacity: capacity,
      isOwned: true)
  }

  /// A part of memory that others see: `byteCount(capacity:)` bytes.
  package init(shared base: UnsafeMutableRawPointer, capacity: Int) {
    self.init(base, capacity: capacity, isOwned: false)
  }

  private init(_ base: UnsafeMutableRawPointer, capacity: Int, isOwned: Bool) {
    self.base = base
    self.capacity = capacity
    self.isOwned = isOwned
    samples = base.bindMemory(to: Int32.self, capacity: capacity)
    places = (base + 4 * capacity).bindMemory(to: Int32.self, capacity: capacity)
    records = (base + 8 * capacity).bindMemory(to: UInt8.self, capacity: capacity * Self.recordLength)
  }

  /// The bytes for so many samples.
  package static func byteCount(capacity: Int) -> Int { capacity * (8 + recordLength) }

  /// Makes room; what others see cannot grow.
  mutating func grow(to count: Int) {
    precondition(isOwned, "\(count) samples for \(capacity) in memory that ranks share")
    let larger = ShardMemory(capacity: count)
    larger.samples.update(from: samples, count: capacity)
    larger.places.update(from: places, count: capacity)
    larger.records.update(from: records, count: capacity * Self.recordLength)
    deallocate()
    self = larger
  }

  func deallocate() {
    if isOwned { base.deallocate() }
  }
}
