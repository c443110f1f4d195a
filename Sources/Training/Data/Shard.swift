package import Collectives
package import Datasets

/// One rank's part of a dataset: images and labels in the order in which the rank uses them.
///
/// A sample stays where it lies in memory for as long as the rank keeps it; `places` has the order.
package final class Shard {
  /// Bytes of one sample: 28 × 28 pixels, then the label.
  static let recordLength = 28 * 28 + 1

  /// The samples' indices in the dataset's part, slot by slot.
  package private(set) var samples: [Int32]
  /// Where in `records` the sample of each slot lies.
  private var places: [Int32]
  /// [capacity, `recordLength`].
  private var records: UnsafeMutablePointer<UInt8>
  private var capacity: Int

  /// Takes over what was read from files; `first` is the first sample's index.
  package init(_ images: LabelledImages, first: Int) {
    samples = (0..<images.count).map { Int32(first + $0) }
    places = (0..<images.count).map { Int32($0) }
    capacity = images.count
    records = Self.memory(for: capacity)
    let pixels = Self.recordLength - 1
    images.images.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for slot in 0..<images.count {
        let record = records + slot * Self.recordLength
        record.update(from: base + slot * pixels, count: pixels)
        record[pixels] = images.labels[slot]
      }
    }
  }

  private init() {
    (samples, places, capacity) = ([], [], 0)
    records = Self.memory(for: 0)
  }

  deinit {
    records.deallocate()
  }

  /// The number of samples.
  package var count: Int { samples.count }

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
    records + Int(places[slot]) * Self.recordLength
  }

  /// Deals the samples anew: every sample of `new` travels from the rank that keeps it under `old` to the rank
  /// that is to keep it, in one all-to-all. Called by all ranks.
  ///
  /// Samples that stay on their rank are not touched; those that come take the places of those that went.
  package func deal(
    from old: Placement, to new: Placement, over communicator: any Communicator
  ) throws(CommunicatorError) {
    let rank = Int32(communicator.rank)
    var kept = [Int32](repeating: -1, count: old.owners.count)
    for (slot, sample) in samples.enumerated() where new.owners[Int(sample)] == rank {
      kept[Int(sample)] = places[slot]
    }
    let incoming = try exchange(from: old, to: new, over: communicator, includingOwn: false)
    defer { incoming.deallocate() }

    var vacant: [Int32] = []
    for (slot, sample) in samples.enumerated().reversed() where new.owners[Int(sample)] != rank {
      vacant.append(places[slot])
    }
    let target = new.samples(of: communicator.rank)
    if target.count > capacity {
      vacant = (Int32(capacity)..<Int32(target.count)).reversed() + vacant
      grow(to: target.count)
    }
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
    let result = Shard()
    let target = new.samples(of: communicator.rank)
    result.grow(to: target.count)
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
    for (slot, sample) in samples.enumerated() {
      slots[Int(sample)] = Int32(slot)
    }
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
    var next = incoming.starts
    places = target.map { sample in
      let (index, isNew) = place(sample)
      if isNew {
        let source = Int(sources[Int(sample)])
        (records + Int(index) * Self.recordLength).update(
          from: incoming.records + next[source] * Self.recordLength, count: Self.recordLength)
        next[source] += 1
      }
      return index
    }
    samples = target
  }

  private func grow(to count: Int) {
    let larger = Self.memory(for: count)
    larger.update(from: records, count: capacity * Self.recordLength)
    records.deallocate()
    (records, capacity) = (larger, count)
  }

  private static func memory(for count: Int) -> UnsafeMutablePointer<UInt8> {
    .allocate(capacity: max(count * recordLength, 1))
  }
}
