internal import Collectives
internal import Files
internal import Foundation
internal import Runs
internal import Tensors

/// When a rank did what, for `--trace`. Memory is taken once; what comes after the last free place is not recorded.
package final class Timeline {
  /// What a rank does.
  enum Phase: UInt32, CaseIterable {
    case data
    case forward
    case backward
    case reduction
    case wait
    case update
    case checkpoint
    case validation
    case test

    var name: String { "\(self)" }
  }

  private struct Span {
    var phase: UInt32
    var step: UInt32
    /// Seconds of the machine's monotonic clock.
    var start: Double
    var end: Double
  }

  /// So many spans are recorded: some thousand steps.
  static let capacity = 1 << 18

  /// The step under way, counted from 1.
  var step = 0
  /// Whether some spans found no place.
  private(set) var isFull = false
  private let spans: UnsafeMutableBufferPointer<Span>
  private var count = 0
  /// How many have been written.
  private var written = 0
  private var lastWrite = MonotonicClock.now()

  init() {
    spans = .allocate(capacity: Self.capacity)
  }

  deinit {
    spans.deallocate()
  }

  /// Records a span; those of no length are left out.
  func record(_ phase: Phase, from start: Double, to end: Double) {
    guard end > start else { return }
    guard count < spans.count else {
      isFull = true
      return
    }
    spans.initializeElement(
      at: count, to: Span(phase: phase.rawValue, step: UInt32(clamping: step), start: start, end: end))
    count += 1
  }

  // MARK: - Writing

  /// So many seconds lie between writes, at least.
  private static let pause = 1.0

  /// Has the root write all ranks' spans since the last time in Chrome's trace format ("Trace Event Format", complete
  /// events), which Perfetto and chrome://tracing open; unless it is the last time, not within a second of the one
  /// before. Called by all ranks; `place` names this rank's host and cores, and the root alone has a `writer`.
  /// A counter beside each rank's spans shows its micro-batches of every step: its share over time.
  ///
  /// Clocks of other hosts are set by barriers, so they agree to some tens of microseconds on a quiet network.
  func write(
    to writer: TraceWriter?, isLast: Bool, place: String, over communicator: any Communicator
  ) throws {
    let isDue = isLast || MonotonicClock.now() - lastWrite > Self.pause
    let all = try communicator.allGather(numbers: [Double(count - written), isDue ? 1 : 0])
    guard all[0][1] == 1 else { return }
    let counts = all.map { Int($0[0]) }
    let offset = try clockOffset(communicator)
    let places = try communicator.allGather(Array(place.utf8)).map { String(decoding: $0, as: UTF8.self) }
    let own = packed(offset)
    written = count
    lastWrite = MonotonicClock.now()
    guard communicator.rank == 0 else {
      let message = Message(peer: 0, tag: 0, buffer: own, range: 0..<own.count)
      return try communicator.exchange(sends: [message], receives: [])
    }
    for rank in counts.indices {
      try writer?.name(rank, "rank \(rank), \(places[rank])")
      var spans = own
      if rank > 0 {
        spans = FloatBuffer(count: max(counts[rank], 1) * Self.wordCount)
        let message = Message(peer: rank, tag: 0, buffer: spans, range: 0..<spans.count)
        try communicator.exchange(sends: [], receives: [message])
      }
      var shares: [UInt32: Int] = [:]
      for index in 0..<counts[rank] {
        let span = Self.unpacked(spans, index)
        if span.phase == Phase.forward.rawValue { shares[span.step, default: 0] += 1 }
      }
      var step: UInt32 = 0
      for index in 0..<counts[rank] {
        let span = Self.unpacked(spans, index)
        let phase = Phase(rawValue: span.phase) ?? .data
        if span.step != step {
          step = span.step
          try writer?.count(rank, "micro-batches", shares[step] ?? 0, at: span.start)
        }
        try writer?.span(rank, phase.name, start: span.start, end: span.end, step: Int(span.step))
      }
    }
    try writer?.flush()
  }

  /// What to add to this rank's clock to have the root's: the median over some barriers, which all leave together. Ranks of
  /// one host have one clock.
  private func clockOffset(_ communicator: any Communicator) throws -> Double {
    let hosts = try communicator.allGather(Array(hostAndCores().prefix { $0 != ":" }.utf8))
    var times: [Double] = []
    for _ in 0..<9 {
      try communicator.barrier()
      times.append(MonotonicClock.now())
    }
    let all = try communicator.allGather(numbers: times)
    guard hosts[communicator.rank] != hosts[0] else { return 0 }
    let differences = zip(all[0], times).map { $0 - $1 }.sorted()
    return differences[differences.count / 2]
  }

  /// Floats to a span.
  private static let wordCount = MemoryLayout<Span>.stride / MemoryLayout<Float>.stride

  /// The bits of the spans that have not been written, which travel as floats, with `offset` added to their times.
  private func packed(_ offset: Double) -> FloatBuffer {
    let storage = FloatBuffer(count: max(count - written, 1) * Self.wordCount)
    var bytes = storage.mutableSpan
    for index in 0..<count - written {
      var span = spans[written + index]
      (span.start, span.end) = (span.start + offset, span.end + offset)
      bytes.withUnsafeMutableBytes {
        $0.storeBytes(of: span, toByteOffset: index * MemoryLayout<Span>.stride, as: Span.self)
      }
    }
    return storage
  }

  private static func unpacked(_ storage: FloatBuffer, _ index: Int) -> Span {
    storage.span.bytes.unsafeLoadUnaligned(fromByteOffset: index * MemoryLayout<Span>.stride, as: Span.self)
  }
}
