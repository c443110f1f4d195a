internal import Files
internal import Foundation

/// Appends lines to `metrics.jsonl` as the root trains.
package final class MetricsWriter {
  private let handle: FileHandle
  private let encoder = JSONEncoder()
  private var pending = Data()
  private var lastFlush = MonotonicClock.now()

  /// Opens the file, and holds a lock on it as long as this process lives, by which `RunHistory` knows that it does; lines of steps after `step`, left by a run that died, are dropped.
  package init(path: String, continuingAfter step: Int) throws(RunError) {
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      let url = URL(fileURLWithPath: path)
      let old = (try? Data(contentsOf: url)) ?? Data()
      var kept = Data()
      for line in old.split(separator: UInt8(ascii: "\n")) {
        guard let head = try? JSONDecoder().decode(StepOnly.self, from: line) else { continue }
        if head.step <= step { kept += line + [UInt8(ascii: "\n")] }
      }
      try kept.write(to: url)
      handle = try FileHandle(forWritingTo: url)
      try handle.seekToEnd()
      _ = flock(handle.fileDescriptor, LOCK_EX | LOCK_NB)
    } catch {
      throw RunError("\(path) cannot be written: \(error.localizedDescription)", exitCode: 73)
    }
  }

  private struct StepOnly: Decodable {
    var step: Int
  }

  /// Appends a step's line; lines reach the file some at a time.
  package func append(_ record: StepRecord) throws {
    pending += Data(record.line.utf8)
    // Often enough for those who watch.
    if pending.count > 1 << 16 || MonotonicClock.now() - lastFlush > 1 { try flush() }
  }

  /// Appends a line.
  package func append(_ record: some Encodable) throws {
    pending += try encoder.encode(record)
    pending.append(UInt8(ascii: "\n"))
    if pending.count > 1 << 16 { try flush() }
  }

  /// Hands what was appended to the file system.
  package func flush() throws {
    try handle.write(contentsOf: pending)
    pending.removeAll(keepingCapacity: true)
    lastFlush = MonotonicClock.now()
  }
}
