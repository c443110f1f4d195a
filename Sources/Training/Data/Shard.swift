package import Collectives
package import Datasets

/// One rank's part of a dataset: images and labels.
///
/// A sample stays where it lies in memory for as long as the rank keeps it.
package final class Shard {
  /// The samples' indices in the dataset's part, in the order that the last deal gave them.
  package private(set) var samples: [Int32]
  private var memory: ShardMemory

  /// Takes over what was read from files; `first` is the first sample's index, of `total` in the dataset's part. Memory of
  /// the shard's own grows as it must; `memory` that others see does not.
  package init(
    _ images: LabelledImages, first: Int, of total: Int, format: SampleFormat, memory: ShardMemory? = nil
  ) {
    self.memory = memory ?? ShardMemory(capacity: images.count, total: total, format: format)
    precondition(images.count == 0 || images.shape == format.shape, "\(images.shape) for \(format)")
    precondition(images.count <= self.memory.capacity, "\(images.count) samples for \(self.memory.capacity)")
    samples = (0..<images.count).map { Int32(first + $0) }
    let (pixels, width) = (format.shape.pixelCount, format.labelBytes)
    let labels = images.storedLabels(width: width)
    images.images.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for slot in 0..<images.count {
        self.memory.places[first + slot] = Int32(slot)
        let record = record(of: Int32(first + slot))
        record.update(from: base + slot * pixels, count: pixels)
        for byte in 0..<width { record[pixels + byte] = labels[slot * width + byte] }
      }
    }
  }

  /// What lies in `memory`: nothing yet, or another rank's samples, which are there to be read.
  init(_ memory: ShardMemory) {
    self.memory = memory
    samples = []
  }

  deinit {
    memory.deallocate()
  }

  /// The number of samples.
  package var count: Int { samples.count }
  /// What they are.
  package var format: SampleFormat { memory.format }

  /// The pixels, row by row, of a sample that lies here.
  @_lifetime(borrow self)
  package func image(of sample: Int32) -> Span<UInt8> {
    _overrideLifetime(Span(_unsafeStart: record(of: sample), count: memory.pixelCount), borrowing: self)
  }

  /// The label of a sample that lies here.
  package func label(of sample: Int32) -> UInt16 {
    let bytes = record(of: sample) + memory.pixelCount
    return memory.labelBytes == 1 ? UInt16(bytes[0]) : UInt16(bytes[0]) | UInt16(bytes[1]) << 8
  }

  private func record(of sample: Int32) -> UnsafeMutablePointer<UInt8> {
    memory.records + Int(memory.places[Int(sample)]) * memory.recordLength
  }

  /// Deals the samples anew: every sample of `new` travels from the rank that keeps it under `old` to the rank
  /// that is to keep it, in one all-to-all. Called by all ranks.
  ///
  /// Samples that stay on their rank are not touched; those that come take places that are free.
  package func deal(
    from old: Placement, to new: Placement, over communicator: any Communicator
  ) throws(CommunicatorError) {
    let rank = Int32(communicator.rank)
    let incoming = try exchange(from: old, to: new, over: communicator, includingOwn: false)
    defer { incoming.deallocate() }
    let target = new.samples(of: communicator.rank)
    if target.count > memory.capacity { memory.grow(to: target.count) }
    var isKept = [Bool](repeating: false, count: memory.capacity)
    for sample in samples where new.owners[Int(sample)] == rank {
      isKept[Int(memory.places[Int(sample)])] = true
    }
    var vacant = isKept.indices.reversed().filter { !isKept[$0] }.map { Int32($0) }
    place(target, from: incoming, sources: old.owners) {
      old.owners[Int($0)] == rank ? nil : vacant.removeLast()
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
    let result = Shard(
      ShardMemory(capacity: target.count, total: new.owners.count, format: memory.format))
    var next: Int32 = 0
    result.place(target, from: incoming, sources: old.owners) { _ in
      defer { next += 1 }
      return next
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
    let length = memory.recordLength
    let rank = Int32(communicator.rank)
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
      (outgoing + next[target] * length).update(from: record(of: sample), count: length)
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

  /// Makes `target` this shard's samples. Those that are new are taken from `incoming` and lie where `place` says, which is
  /// nil for those that are here.
  private func place(
    _ target: [Int32], from incoming: Incoming, sources: [Int32], at place: (Int32) -> Int32?
  ) {
    precondition(target.count <= memory.capacity, "\(target.count) samples for \(memory.capacity)")
    var next = incoming.starts
    let length = memory.recordLength
    for sample in target {
      guard let index = place(sample) else { continue }
      let source = Int(sources[Int(sample)])
      (memory.records + Int(index) * length).update(
        from: incoming.records + next[source] * length, count: length)
      next[source] += 1
      memory.places[Int(sample)] = index
    }
    samples = target
  }
}

/// Where a shard's samples lie: in memory of its own, or in memory that the ranks of a node share.
package struct ShardMemory {
  /// What the samples are.
  let format: SampleFormat
  /// `format`'s, at hand: pixels, bytes of the label behind them, and bytes of both.
  let pixelCount: Int
  let labelBytes: Int
  let recordLength: Int

  /// Samples that there is room for.
  package private(set) var capacity: Int
  /// [capacity, `recordLength`].
  private(set) var records: UnsafeMutablePointer<UInt8>
  /// By sample of the dataset's part, where in the records of the rank that has it the sample lies: one table for all ranks
  /// that share memory.
  let places: UnsafeMutablePointer<Int32>
  private let isOwned: Bool

  /// Memory of its own, for so many samples of a part of `total`.
  package init(capacity: Int, total: Int, format: SampleFormat) {
    self.init(
      format, capacity, records: .allocate(capacity: max(capacity * format.recordLength, 1)),
      places: .allocate(capacity: max(total, 1)), isOwned: true)
  }

  private init(
    _ format: SampleFormat, _ capacity: Int, records: UnsafeMutablePointer<UInt8>,
    places: UnsafeMutablePointer<Int32>, isOwned: Bool
  ) {
    self.format = format
    (pixelCount, labelBytes, recordLength) =
      (format.shape.pixelCount, format.labelBytes, format.recordLength)
    self.capacity = capacity
    self.records = records
    self.places = places
    self.isOwned = isOwned
  }

  /// A part of memory that others see: of `byteCount(capacity:format:)` bytes for the records and of `byteCount(total:)` for the
  /// table.
  package init(
    sharedRecords: UnsafeMutableRawPointer, capacity: Int, sharedPlaces: UnsafeMutableRawPointer, total: Int,
    format: SampleFormat
  ) {
    self.init(
      format, capacity,
      records: sharedRecords.bindMemory(
        to: UInt8.self, capacity: Self.byteCount(capacity: capacity, format: format)),
      places: sharedPlaces.bindMemory(to: Int32.self, capacity: total), isOwned: false)
  }

  /// The bytes of the records of so many samples.
  package static func byteCount(capacity: Int, format: SampleFormat) -> Int { capacity * format.recordLength }

  /// The bytes of the table of a part of `total` samples.
  package static func byteCount(total: Int) -> Int { total * MemoryLayout<Int32>.stride }

  /// Makes room; what others see cannot grow.
  mutating func grow(to count: Int) {
    precondition(isOwned, "\(count) samples for \(capacity) in memory that ranks share")
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: count * recordLength)
    larger.update(from: records, count: capacity * recordLength)
    records.deallocate()
    (records, capacity) = (larger, count)
  }

  func deallocate() {
    guard isOwned else { return }
    records.deallocate()
    places.deallocate()
  }
}
