package import Collectives
package import Datasets

/// One rank's part of a dataset: images and labels.
///
/// A sample stays where it lies in memory for as long as the rank keeps it.
package final class Shard {
  /// The samples' indices in the dataset's part, in the order that the last deal gave them.
  package private(set) var samples: [Int32]
  private var memory: ShardMemory
  /// The image that was asked for last.
  private let image: UnsafeMutablePointer<UInt8>

  /// What a record begins with; behind it lie the frame's pixels.
  private struct Header {
    var label: UInt16
    var frame: CroppedImages.Frame
  }

  fileprivate static let headerLength = MemoryLayout<Header>.size

  /// Takes over what was read from files; `first` is the first sample's index, of `total` in the dataset's part. Memory of
  /// the shard's own grows as it must; `memory` that others see does not. No image's frame may have more than `longest`
  /// pixels, on any rank that samples are exchanged with; nil for as many as an image has.
  package init(
    _ images: CroppedImages, first: Int, of total: Int, longest: Int? = nil, memory: ShardMemory? = nil
  ) {
    let longest = longest ?? images.format.shape.pixelCount
    self.memory =
      memory
      ?? ShardMemory(capacity: images.count, total: total, format: images.format, longest: longest)
    precondition(
      images.longest <= self.memory.longest, "frames of \(images.longest) pixels for \(self.memory.longest)")
    precondition(images.count <= self.memory.capacity, "\(images.count) samples for \(self.memory.capacity)")
    samples = (0..<images.count).map { Int32(first + $0) }
    image = .allocate(capacity: images.format.shape.pixelCount)
    images.pixels.withUnsafeBufferPointer { pixels in
      guard var source = pixels.baseAddress else { return }
      for slot in 0..<images.count {
        self.memory.places[first + slot] = Int32(slot)
        let frame = images.frames[slot]
        let record = record(of: Int32(first + slot))
        record.storeBytes(of: Header(label: images.labels[slot], frame: frame), as: Header.self)
        (record + Self.headerLength).copyMemory(from: source, byteCount: frame.pixelCount)
        source += frame.pixelCount
      }
    }
  }

  /// The same for whole images.
  package convenience init(
    _ images: LabelledImages, first: Int, of total: Int, format: SampleFormat, memory: ShardMemory? = nil
  ) {
    self.init(CroppedImages(images, format: format), first: first, of: total, memory: memory)
  }

  /// What lies in `memory`: nothing yet, or another rank's samples, which are there to be read.
  init(_ memory: ShardMemory) {
    self.memory = memory
    samples = []
    image = .allocate(capacity: memory.format.shape.pixelCount)
  }

  deinit {
    memory.deallocate()
    image.deallocate()
  }

  /// The number of samples.
  package var count: Int { samples.count }
  /// What they are.
  package var format: SampleFormat { memory.format }

  /// The pixels, row by row, of a sample that lies here, until the next one is asked for.
  @_lifetime(borrow self)
  package func image(of sample: Int32) -> Span<UInt8> {
    let (record, shape) = (record(of: sample), memory.format.shape)
    let frame = record.loadUnaligned(as: Header.self).frame
    image.update(repeating: 0, count: shape.pixelCount)
    frame.paste(
      (record + Self.headerLength).assumingMemoryBound(to: UInt8.self), into: image, columns: shape.width)
    return _overrideLifetime(Span(_unsafeStart: image, count: shape.pixelCount), borrowing: self)
  }

  /// The label of a sample that lies here.
  package func label(of sample: Int32) -> UInt16 { record(of: sample).loadUnaligned(as: Header.self).label }

  private func record(of sample: Int32) -> UnsafeMutableRawPointer {
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
      ShardMemory(
        capacity: target.count, total: new.owners.count, format: memory.format, longest: memory.longest))
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
    let records: UnsafeMutableRawPointer
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

    let outgoing = UnsafeMutableRawPointer.allocate(
      byteCount: max(sendCounts.reduce(0, +) * length, 1), alignment: 64)
    defer { outgoing.deallocate() }
    var next = starts(sendCounts)
    for sample in new.order where old.owners[Int(sample)] == rank {
      let target = Int(new.owners[Int(sample)])
      guard includingOwn || target != communicator.rank else { continue }
      (outgoing + next[target] * length).copyMemory(from: record(of: sample), byteCount: length)
      next[target] += 1
    }

    let received = receiveCounts.reduce(0, +) * length
    let incoming = UnsafeMutableRawPointer.allocate(byteCount: max(received, 1), alignment: 64)
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
      (memory.records + Int(index) * length).copyMemory(
        from: incoming.records + next[source] * length, byteCount: length)
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
  /// The pixels that an image's frame has at most.
  let longest: Int
  /// The bytes of a sample.
  let recordLength: Int

  /// Samples that there is room for.
  package private(set) var capacity: Int
  /// [capacity, `recordLength`].
  private(set) var records: UnsafeMutableRawPointer
  /// By sample of the dataset's part, where in the records of the rank that has it the sample lies: one table for all ranks
  /// that share memory.
  let places: UnsafeMutablePointer<Int32>
  private let isOwned: Bool

  /// Memory of its own, for so many samples of a part of `total`.
  package init(capacity: Int, total: Int, format: SampleFormat, longest: Int) {
    self.init(
      format, longest, capacity,
      records: Self.allocate(capacity * Self.recordLength(longest: longest)),
      places: .allocate(capacity: max(total, 1)), isOwned: true)
  }

  private init(
    _ format: SampleFormat, _ longest: Int, _ capacity: Int, records: UnsafeMutableRawPointer,
    places: UnsafeMutablePointer<Int32>, isOwned: Bool
  ) {
    self.format = format
    self.longest = longest
    recordLength = Self.recordLength(longest: longest)
    self.capacity = capacity
    self.records = records
    self.places = places
    self.isOwned = isOwned
  }

  /// A part of memory that others see: of `byteCount(capacity:longest:)` bytes for the records and of `byteCount(total:)` for
  /// the table.
  package init(
    sharedRecords: UnsafeMutableRawPointer, capacity: Int, sharedPlaces: UnsafeMutableRawPointer, total: Int,
    format: SampleFormat, longest: Int
  ) {
    self.init(
      format, longest, capacity, records: sharedRecords,
      places: sharedPlaces.bindMemory(to: Int32.self, capacity: total), isOwned: false)
  }

  private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    .allocate(byteCount: max(byteCount, 1), alignment: 64)
  }

  private static func recordLength(longest: Int) -> Int { Shard.headerLength + longest }

  /// The bytes of the records of so many samples.
  package static func byteCount(capacity: Int, longest: Int) -> Int {
    capacity * recordLength(longest: longest)
  }

  /// The bytes of the table of a part of `total` samples.
  package static func byteCount(total: Int) -> Int { total * MemoryLayout<Int32>.stride }

  /// Makes room; what others see cannot grow.
  mutating func grow(to count: Int) {
    precondition(isOwned, "\(count) samples for \(capacity) in memory that ranks share")
    let larger = Self.allocate(count * recordLength)
    larger.copyMemory(from: records, byteCount: capacity * recordLength)
    records.deallocate()
    (records, capacity) = (larger, count)
  }

  func deallocate() {
    guard isOwned else { return }
    records.deallocate()
    places.deallocate()
  }
}
