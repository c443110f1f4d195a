internal import Files
internal import Foundation
internal import Runs

/// Writes a trace piece by piece. The file gets its name with the first piece, in place of an older trace, and is whole
/// after each.
final class TraceWriter {
  private static let beginning = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
  private static let end = "\n]}\n"

  private let path: String
  /// Until the first piece is there.
  private var unnamed: PendingFile?
  private var file: GrowingFile?
  private var pending = ""
  private var named: Set<Int> = []
  private var isFirst = true
  /// The first span's start is time 0.
  private var origin: Double?

  /// Sees that `path` can be written, and that nothing but an older trace has to go for it. The trace of a run that goes on
  /// does not replace that of its beginning, which is moved aside; `notice` is told.
  ///
  /// - Throws: `RunError` with exit code 73.
  init(path: String, isResumed: Bool, notice: (String) -> Void) throws(RunError) {
    self.path = path
    let mark = Array(Self.beginning.utf8.dropLast())
    if FileManager.default.fileExists(atPath: path) {
      guard let old = try? ReadableFile(path: path),
        let start = try? old.read(0..<mark.count), start == mark || start.isEmpty
      else {
        throw RunError("--trace \(path): there is a file that is no trace, and it is kept", exitCode: 73)
      }
      if isResumed, !start.isEmpty { try Self.moveAside(path, notice) }
    }
    do throws(FileError) {
      unnamed = try PendingFile(path: path)
    } catch {
      throw RunError("--trace \(error)", exitCode: 73)
    }
  }

  /// Gives an older trace the first name that is free: `trace-1.json` for `trace.json`.
  private static func moveAside(_ path: String, _ notice: (String) -> Void) throws(RunError) {
    let url = URL(fileURLWithPath: path)
    let stem = url.deletingPathExtension().path
    let ending = url.pathExtension.isEmpty ? "" : "." + url.pathExtension
    var number = 1
    while FileManager.default.fileExists(atPath: "\(stem)-\(number)\(ending)") { number += 1 }
    let aside = "\(stem)-\(number)\(ending)"
    // Unlike a renaming, a link never takes the place of what somebody else has put there meanwhile.
    guard link(path, aside) == 0 else {
      throw RunError(
        "--trace \(path): the trace of the run's beginning cannot be kept as \(aside): "
          + String(cString: strerror(errno)), exitCode: 73)
    }
    notice("\(path) is kept as \(aside)")
  }

  /// Gives a rank's row a name.
  func name(_ rank: Int, _ text: String) throws(RunError) {
    guard named.insert(rank).inserted else { return }
    let escaped = text.filter { $0 != "\"" && $0 != "\\" }
    for (kind, value) in [
      ("process_name", "{\"name\":\"\(escaped)\"}"), ("process_sort_index", "{\"sort_index\":\(rank)}"),
    ] {
      try append("{\"name\":\"\(kind)\",\"ph\":\"M\",\"pid\":\(rank),\"tid\":0,\"args\":\(value)}")
    }
  }

  /// A span of a rank; times in seconds, which the format wants in microseconds.
  func span(
    _ rank: Int, _ name: String, start: Double, end: Double, step: Int
  ) throws(RunError) {
    let time = sinceOrigin(start)
    try append(
      "{\"name\":\"\(name)\",\"ph\":\"X\",\"ts\":\(time),\"dur\":"
        + "\(microseconds(end - start)),\"pid\":\(rank),\"tid\":0,\"args\":{\"step\":\(step)}}")
  }

  /// A number beside a rank's spans, from `time` on.
  func count(_ rank: Int, _ name: String, _ number: Int, at time: Double) throws(RunError) {
    let time = sinceOrigin(time)
    try append(
      "{\"name\":\"\(name)\",\"ph\":\"C\",\"ts\":\(time),\"pid\":\(rank),\"args\":{\"\(name)\":\(number)}}")
  }

  private func sinceOrigin(_ seconds: Double) -> String {
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

  private func append(_ line: String) throws(RunError) {
    pending += (isFirst ? "" : ",\n") + line
    isFirst = false
    if pending.utf8.count > 1 << 20 { try flush() }
  }

  /// Hands what was appended to the file system.
  ///
  /// - Throws: `RunError` with exit code 74.
  func flush() throws(RunError) {
    guard !pending.isEmpty || file == nil else { return }
    do throws(FileError) {
      if let file {
        try file.append(Array((pending + Self.end).utf8), overwriting: Self.end.utf8.count)
      } else if let unnamed {
        file = try GrowingFile(unnamed, startingWith: Array((Self.beginning + pending + Self.end).utf8))
        self.unnamed = nil
      }
    } catch {
      throw RunError(error)
    }
    pending = ""
  }
}
