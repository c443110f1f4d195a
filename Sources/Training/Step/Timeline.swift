internal import Collectives
internal import Files
internal import Foundation
internal import Runs
internal import Tensors

/// When a rank did what, for `--trace`. Memory is taken once; what comes after the last free place is not recorded.
final class Timeline {
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

  /// Has the root write all ranks' spans in Chrome's trace format ("Trace Event Format", complete events), which Perfetto
  /// and chrome://tracing open. Called by all ranks; `place` names this rank's host and cores.
  ///
  /// Clocks of other hosts are set by barriers, so they agree to some tens of microseconds on a quiet network.
  func write(to path: String, place: String, over communicator: any Communicator) throws {
    let offset = try clockOffset(communicator)
    let counts = try communicator.allGather(numbers: [Double(count)]).map { Int($0[0]) }
    let places = try communicator.allGather(Array(place.utf8)).map { String(decoding: $0, as: UTF8.self) }
    let own = packed(offset)
    guard communicator.rank == 0 else {
      try communicator.exchange(sends: [Message(peer: 0, tag: 0, values: own.elements)], receives: [])
      return
    }
    var writer = try TraceWriter(path: path)
    for rank in counts.indices {
      try writer.name(rank, "rank \(rank), \(places[rank])")
      var words = own
      if rank > 0 {
        words = FloatBuffer(count: max(counts[rank], 1) * Self.wordCount)
        try communicator.exchange(sends: [], receives: [Message(peer: rank, tag: 0, values: words.elements)])
      }
      for index in 0..<counts[rank] {
        let (span, phase) = Self.unpacked(words, index)
        try writer.span(rank, phase.name, start: span.start, end: span.end, step: Int(span.step))
      }
    }
    try writer.finish()
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
  private static let wordCount = 6

  /// The spans' bits, which travel as floats.
  private func packed(_ offset: Double) -> FloatBuffer {
    let storage = FloatBuffer(count: max(count, 1) * Self.wordCount)
    for index in 0..<count {
      let span = spans[index]
      let words =
        [span.phase, span.step]
        + [span.start + offset, span.end + offset].flatMap {
          [UInt32(truncatingIfNeeded: $0.bitPattern), UInt32($0.bitPattern >> 32)]
        }
      for (place, word) in words.enumerated() {
        UnsafeMutableRawPointer(storage.pointer + index * Self.wordCount + place).storeBytes(
          of: word, as: UInt32.self)
      }
    }
    return storage
  }

  private static func unpacked(_ storage: FloatBuffer, _ index: Int) -> (span: Span, phase: Phase) {
    func word(_ place: Int) -> UInt32 {
      UnsafeRawPointer(storage.pointer + index * wordCount + place).load(as: UInt32.self)
    }
    func double(_ place: Int) -> Double {
      Double(bitPattern: UInt64(word(place)) | UInt64(word(place + 1)) << 32)
    }
    return (
      Span(phase: word(0), step: word(1), start: double(2), end: double(4)), Phase(rawValue: word(0)) ?? .data
    )
  }
}

/// Writes a trace bit by bit: a run's spans may be many.
private struct TraceWriter {
  private let path: String
  private let handle: FileHandle
  private var pending = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
  private var isFirst = true
  /// The first span's start is time 0.
  private var origin: Double?

  init(path: String) throws(RunError) {
    self.path = path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw RunError("\(path) cannot be written", exitCode: 73) }
    self.handle = handle
  }

  /// Gives a rank's row a name.
  mutating func name(_ rank: Int, _ text: String) throws(RunError) {
    let escaped = text.filter { $0 != "\"" && $0 != "\\" }
    for (kind, value) in [
      ("process_name", "{\"name\":\"\(escaped)\"}"), ("process_sort_index", "{\"sort_index\":\(rank)}"),
    ] {
      try append("{\"name\":\"\(kind)\",\"ph\":\"M\",\"pid\":\(rank),\"tid\":0,\"args\":\(value)}")
    }
  }

  /// A span of a rank; times in seconds, which the format wants in microseconds.
  mutating func span(
    _ rank: Int, _ name: String, start: Double, end: Double, step: Int
  ) throws(RunError) {
    let zero = origin ?? start
    origin = zero
    func microseconds(_ seconds: Double) -> String {
      let nanoseconds = Int((seconds * 1e9).rounded())
      let rest = String(nanoseconds.magnitude % 1000)
      return (nanoseconds < 0 ? "-" : "") + "\(nanoseconds.magnitude / 1000)."
        + String(repeating: "0", count: 3 - rest.count) + rest
    }
    try append(
      "{\"name\":\"\(name)\",\"ph\":\"X\",\"ts\":\(microseconds(start - zero)),\"dur\":"
        + "\(microseconds(end - start)),\"pid\":\(rank),\"tid\":0,\"args\":{\"step\":\(step)}}")
  }

  private mutating func append(_ line: String) throws(RunError) {
    pending += (isFirst ? "" : ",\n") + line
    isFirst = false
    if pending.utf8.count > 1 << 20 { try flush() }
  }

  mutating func finish() throws(RunError) {
    pending += "\n]}\n"
    try flush()
  }

  private mutating func flush() throws(RunError) {
    do {
      try handle.write(contentsOf: Data(pending.utf8))
    } catch {
      throw RunError("\(path) cannot be written: \(error.localizedDescription)", exitCode: 74)
    }
    pending = ""
  }
}
