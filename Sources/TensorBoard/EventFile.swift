internal import Foundation
internal import SwiftProtobuf

/// A file of events that TensorBoard reads while it grows.
///
/// Records are TensorFlow's TFRecords: the length, its checksum, the bytes, their checksum.
package final class EventFile {
  private let handle: FileHandle
  private var pending = Data()
  private var lastFlush = Date()

  /// Begins a new file in `folder`, which is created. If the run goes on after `resumedStep`, TensorBoard forgets what
  /// older files say of later steps.
  ///
  /// - Throws: what Foundation throws if the file cannot be written.
  package init(folder: String, resumedStep: Int? = nil) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let now = Date()
    let process = ProcessInfo.processInfo
    let name =
      "events.out.tfevents.\(Int(now.timeIntervalSince1970)).\(process.hostName).\(process.processIdentifier).0"
    let url = URL(fileURLWithPath: folder).appendingPathComponent(name)
    try Data().write(to: url)
    handle = try FileHandle(forWritingTo: url)
    var version = Event()
    version.fileVersion = "brain.Event:2"
    try append(version, step: 0)
    if let resumedStep {
      var start = Event()
      start.sessionLog.status = .start
      try append(start, step: resumedStep + 1)
    }
    try flush()
  }

  /// Numbers of a step, by tag.
  package func append(scalars: [(tag: String, value: Double)], step: Int) throws {
    var event = Event()
    event.summary.value = scalars.map { scalar in
      var value = Summary.Value()
      value.tag = scalar.tag
      value.simpleValue = Float(scalar.value)
      return value
    }
    try append(event, step: step)
  }

  /// A grey picture as the bytes of a PNG file.
  package func append(image png: [UInt8], width: Int, height: Int, tag: String, step: Int) throws {
    var value = Summary.Value()
    value.tag = tag
    value.image.height = Int32(height)
    value.image.width = Int32(width)
    value.image.colorspace = 1
    value.image.encodedImageString = Data(png)
    var event = Event()
    event.summary.value = [value]
    try append(event, step: step)
  }

  /// How values are distributed, in `bucketCount` buckets of equal width.
  package func append(
    histogram values: UnsafeBufferPointer<Float>, bucketCount: Int = 50, tag: String, step: Int
  ) throws {
    let finite = values.lazy.filter(\.isFinite).map(Double.init)
    guard let least = finite.min(), let most = finite.max() else { return }
    let width = max((most - least) / Double(bucketCount), 1e-12)
    var counts = [Double](repeating: 0, count: bucketCount)
    var histogram = HistogramProto()
    for value in finite {
      counts[min(Int((value - least) / width), bucketCount - 1)] += 1
      histogram.num += 1
      histogram.sum += value
      histogram.sumSquares += value * value
    }
    (histogram.min, histogram.max) = (least, most)
    histogram.bucketLimit = (1...bucketCount).map { least + Double($0) * width }
    histogram.bucket = counts
    var value = Summary.Value()
    value.tag = tag
    value.histo = histogram
    var event = Event()
    event.summary.value = [value]
    try append(event, step: step)
  }

  private func append(_ event: Event, step: Int) throws {
    var event = event
    let now = Date()
    event.wallTime = now.timeIntervalSince1970
    event.step = Int64(step)
    let body: Data = try event.serializedBytes()
    let length = withUnsafeBytes(of: UInt64(body.count).littleEndian) { Data($0) }
    for part in [length, body] {
      pending += part
      withUnsafeBytes(of: Checksum.masked(part).littleEndian) { pending.append(contentsOf: $0) }
    }
    if pending.count > 1 << 16 || now.timeIntervalSince(lastFlush) > 1 { try flush() }
  }

  /// Hands what was appended to the file system.
  package func flush() throws {
    try handle.write(contentsOf: pending)
    pending.removeAll(keepingCapacity: true)
    lastFlush = Date()
  }
}

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), masked as TFRecords want it.
enum Checksum {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0x82F6_3B78 ^ value >> 1 : value >> 1 }
  }

  static func crc32c(_ bytes: Data) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
  }

  static func masked(_ bytes: Data) -> UInt32 {
    let crc = crc32c(bytes)
    return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
  }
}
