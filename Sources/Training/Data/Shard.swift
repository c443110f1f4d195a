internal import Collectives
internal import Datasets

/// One rank's part of a dataset: images and labels in the order in which the rank uses them.
final class Shard {
  /// Bytes of one sample: 28 × 28 pixels, then the label.
  static let recordLength = 28 * 28 + 1

  /// The samples' indices in the dataset's part, slot by slot.
  private(set) var samples: [Int32]
  /// [samples, `recordLength`].
  private var records: UnsafeMutablePointer<UInt8>

  /// Takes over what was read from files; `first` is the first sample's index.
  init(_ images: LabelledImages, first: Int) {
    samples = (0..<images.count).map { Int32(first + $0) }
    records = .allocate(capacity: max(images.count * Self.recordLength, 1))
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

  private init(samples: [Int32]) {
    self.samples = samples
    records = .allocate(capacity: max(samples.count * Self.recordLength, 1))
  }

  deinit {
    records.deallocate()
  }

  /// The number of samples.
  var count: Int { samples.count }

  /// The 784 pixels of the sample in `slot`, row by row.
  func image(_ slot: Int) -> UnsafePointer<UInt8> {
    UnsafePointer(records + slot * Self.recordLength)
  }

  /// The label of the sample in `slot`.
  func label(_ slot: Int) -> UInt8 {
    records[slot * Self.recordLength + Self.recordLength - 1]
  }

  /// Deals the samples anew: every sample of `new` travels from the rank that keeps it under `old` to the rank
  /// that is to keep it, in one all-to-all. Called by all ranks.
  ///
  /// Both sides enumerate what they exchange in the order of `new`, so that no indices travel. With `releasing`
  /// this shard gives its memory up on the way and is empty afterwards; no more than two copies of a shard then
  /// exist at a time.
  func dealt(
    from old: Placement, to new: Placement, over communicator: any Communicator, releasing: Bool = false
  ) throws(CommunicatorError) -> Shard {
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
      if source == rank { sendCounts[Int(target)] += 1 }
      if target == rank { receiveCounts[Int(source)] += 1 }
    }
    func starts(_ counts: [Int]) -> [Int] {
      var sum = 0
      return counts.map { count in
        defer { sum += count }
        return sum
      }
    }

    let outgoing = UnsafeMutablePointer<UInt8>.allocate(capacity: max(sendCounts.reduce(0, +) * length, 1))
    var next = starts(sendCounts)
    for sample in new.order where old.owners[Int(sample)] == rank {
      let target = Int(new.owners[Int(sample)])
      (outgoing + next[target] * length).update(
        from: records + Int(slots[Int(sample)]) * length, count: length)
      next[target] += 1
    }

    if releasing { release() }
    let received = receiveCounts.reduce(0, +)
    let incoming = UnsafeMutablePointer<UInt8>.allocate(capacity: max(received * length, 1))
    defer { incoming.deallocate() }
    do {
      defer { outgoing.deallocate() }
      try communicator.allToAll(
        send: UnsafeRawBufferPointer(start: outgoing, count: sendCounts.reduce(0, +) * length),
        sendCounts: sendCounts.map { $0 * length },
        receive: UnsafeMutableRawBufferPointer(start: incoming, count: received * length),
        receiveCounts: receiveCounts.map { $0 * length })
    }
    let result = Shard(samples: new.samples(of: communicator.rank))

    next = starts(receiveCounts)
    for (slot, sample) in result.samples.enumerated() {
      let source = Int(old.owners[Int(sample)])
      (result.records + slot * length).update(from: incoming + next[source] * length, count: length)
      next[source] += 1
    }
    return result
  }

  private func release() {
    records.deallocate()
    records = .allocate(capacity: 1)
    samples = []
  }
}
