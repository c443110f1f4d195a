internal import Foundation
internal import Runs

/// Writes a trace piece by piece: a run's spans may be many.
struct TraceWriter {
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
    let time = sinceOrigin(start)
    try append(
      "{\"name\":\"\(name)\",\"ph\":\"X\",\"ts\":\(time),\"dur\":"
        + "\(microseconds(end - start)),\"pid\":\(rank),\"tid\":0,\"args\":{\"step\":\(step)}}")
  }

  /// A number beside a rank's spans, from `time` on.
  mutating func count(_ rank: Int, _ name: String, _ number: Int, at time: Double) throws(RunError) {
    let time = sinceOrigin(time)
    try append(
      "{\"name\":\"\(name)\",\"ph\":\"C\",\"ts\":\(time),\"pid\":\(rank),\"args\":{\"\(name)\":\(number)}}")
  }

  private mutating func sinceOrigin(_ seconds: Double) -> String {
    let zero = origin ?? seconds
    origin = zero
    return microseconds(seconds - zero)
  }

  private func microseconds(_ seconds: Double) -> String {
    let nanoseconds = Int((seconds * 1e9).rounded())
    let rest = String(nanoseconds.magnitude % 1000)
    return (nanoseconds < 0 ? "-" : "") + "\(nanoseconds.magnitude / 1000)."
      + String(repeating: "0", count: 3 - rest.count) + rest
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
