internal import Foundation

/// One line of `metrics.jsonl`: a step.
public struct StepRecord: Codable, Hashable, Sendable {
  public var event = "step"
  /// Steps taken, this one included.
  public var step: Int
  /// The epoch this step belongs to, counted from 1.
  public var epoch: Int
  /// Mean cross-entropy over the global batch, in nats.
  public var loss: Double
  /// Percent of the global batch classified right before the update.
  public var accuracy: Double
  public var learningRate: Double
  /// The root's time.
  public var seconds: PhaseTimes

  /// The record as one line of JSON, written by hand: `JSONEncoder` would cost the root some per cent of a step.
  var line: String {
    func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "\"\(value)\"" }
    let times = seconds.named.map { "\"\($0.name)\":\(number($0.seconds))" }.joined(separator: ",")
    return "{\"event\":\"step\",\"step\":\(step),\"epoch\":\(epoch),\"loss\":\(number(loss)),"
      + "\"accuracy\":\(number(accuracy)),\"learningRate\":\(number(learningRate)),\"seconds\":{\(times)}}\n"
  }
}

/// One line of `metrics.jsonl`: an epoch.
public struct EpochRecord: Codable, Hashable, Sendable {
  public var event = "epoch"
  /// Steps taken.
  public var step: Int
  /// The completed epoch, counted from 1.
  public var epoch: Int
  /// Means over the epoch's training samples seen by this process.
  public var loss: Double
  public var accuracy: Double
  /// On the validation split; nil without one.
  public var validationLoss: Double?
  public var validationAccuracy: Double?
  /// Training images per second over all ranks.
  public var imagesPerSecond: Double
  /// The root's time, summed over the epoch.
  public var seconds: PhaseTimes
}

/// One line of `metrics.jsonl`: a checkpoint, a start, a resumption, an end.
public struct EventRecord: Codable, Hashable, Sendable {
  public var event: String
  public var step: Int
  /// Seconds since 1970.
  public var time: Double
  public var ranks: Int
  /// With starts and resumptions.
  public var launch: LaunchFacts?
}

/// How a run was started, for those who want to repeat it or to know how far it is.
public struct LaunchFacts: Codable, Hashable, Sendable {
  /// The words of the command, the program's path first.
  public var command: [String]
  public var version: String
  /// Who computes matrix products on the root, e.g. `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  public var kernel: String
  /// The choice of products, `auto`, `openblas` or `own`; nil in runs that knew no choice.
  public var products: String?
  /// Each rank's host and cores.
  public var bindings: [String]
  public var totalSteps: Int
  public var stepsPerEpoch: Int
  public var parameterCount: Int
  public var trainCount: Int
  /// The dataset's name, and SHA-256 of its content.
  public var dataset: String
  public var datasetDigest: String
}

/// Appends lines to `metrics.jsonl` as the root trains.
final class MetricsWriter {
  private let handle: FileHandle
  private let encoder = JSONEncoder()
  private var pending = Data()
  private var lastFlush = MonotonicClock.now()

  /// Opens the file, and holds a lock on it as long as this process lives, by which `RunHistory` knows that it does; lines of steps after `step`, left by a run that died, are dropped.
  init(path: String, continuingAfter step: Int) throws(RunError) {
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
  func append(_ record: StepRecord) throws {
    pending += Data(record.line.utf8)
    // Often enough for those who watch.
    if pending.count > 1 << 16 || MonotonicClock.now() - lastFlush > 1 { try flush() }
  }

  /// Appends a line.
  func append(_ record: some Encodable) throws {
    pending += try encoder.encode(record)
    pending.append(UInt8(ascii: "\n"))
    if pending.count > 1 << 16 { try flush() }
  }

  /// Hands what was appended to the file system.
  func flush() throws {
    try handle.write(contentsOf: pending)
    pending.removeAll(keepingCapacity: true)
    lastFlush = MonotonicClock.now()
  }
}
