import AllocationCounter
import Foundation
import Runs
import Testing

@Suite struct MetricsWriterTests {
  private func lines(_ folder: RunFolder) throws -> [String] {
    try String(contentsOfFile: folder.metrics, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  /// What a run that died wrote after the checkpoint that the next one goes on from is trained again.
  @Test func linesOfLaterStepsAreDropped() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var first: MetricsWriter? = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try first?.append(event("start"))
    for number in 1...4 { try first?.append(step(number)) }
    try first?.append(event("checkpoint", step: 4))
    try first?.flush()
    first = nil
    try append(#"{"event":"step","step":5,"epo"#, to: folder.metrics)
    let before = try lines(folder)
    let second = try MetricsWriter(path: folder.metrics, continuingAfter: 3)
    try second.append(event("resume", step: 3))
    try second.flush()
    let after = try lines(folder)
    #expect(after.dropLast() == before.prefix(4) && after.count == 5)
    #expect(after.last?.contains(#""event":"resume""#) == true)
  }

  /// Two would tear each other's lines.
  @Test func thereIsOneWriter() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var first: MetricsWriter? = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try first?.append(event("start"))
    try first?.flush()
    let error = #expect(throws: RunError.self) {
      try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    }
    #expect(error?.exitCode == 73 && error?.description.contains("process \(getpid()) on ") == true)
    #expect(try lines(folder).count == 1)
    first = nil
    _ = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
  }

  @Test func aStepIsALineOfJSON() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    var times = PhaseTimes()
    (times.data, times.forward, times.backward, times.reduction) = (0.1, 1.0 / 3, 1e-7, 0)
    (times.wait, times.update, times.checkpoint) = (12345.678, 2, 1e20)
    let record = StepRecord(
      step: 1718, epoch: 2, loss: 0.1234567890123, accuracy: 98.4375, learningRate: 0.003, seconds: times,
      digest: StepDigest(gradient: 0x0123_4567_89AB_CDEF, parameters: 1))
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    try writer.append(record)
    try writer.append(step(2, loss: -.nan))
    try writer.append(step(3, loss: -.infinity))
    try writer.flush()
    let written = try lines(folder)
    try #require(written.count == 3)
    #expect(
      written[0] == #"{"event":"step","step":1718,"epoch":2,"loss":0.1234567890123,"accuracy":98.4375,"#
        + #""learningRate":0.003,"seconds":{"data":0.1,"forward":0.3333333333333333,"backward":1e-07,"#
        + #""reduction":0.0,"wait":12345.678,"update":2.0,"checkpoint":1e+20},"#
        + #""digest":"0123456789abcdef0000000000000001"}"#)
    #expect(try JSONDecoder().decode(StepRecord.self, from: Data(written[0].utf8)) == record)
    #expect(written[1].contains(#""loss":"nan""#) && written[2].contains(#""loss":"-inf""#))
  }

  /// The root writes a line in every step.
  @Test func aStepsLineTakesNoMemory() throws {
    let scratch = try Scratch()
    let folder = try scratch.run()
    let writer = try MetricsWriter(path: folder.metrics, continuingAfter: 0)
    var record = step(1, loss: 0.123456789012345678, seconds: 1.0 / 3)
    record.digest = StepDigest(gradient: .max, parameters: 1)
    try writer.append(record)
    let before = allocation_count()
    defer { end_allocation_count() }
    for _ in 0..<20 { try writer.append(record) }
    #expect(allocation_count() == before)
    try writer.flush()
    #expect(try lines(folder).count == 21)
  }

  @Test func aFileThatCannotBeWrittenIsNamed() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/none/metrics.jsonl"
    let error = #expect(throws: RunError.self) { try MetricsWriter(path: path, continuingAfter: 0) }
    #expect(error?.exitCode == 73 && error?.description.hasPrefix("\(path) cannot be written: ") == true)
  }
}

@Suite struct PhaseTimesTests {
  /// A phase that is left out of the names, the sum or the addition would be time that nobody sees.
  @Test func noPhaseIsForgotten() {
    var times = PhaseTimes()
    (times.data, times.forward, times.backward, times.reduction) = (1, 2, 4, 8)
    (times.wait, times.update, times.checkpoint) = (16, 32, 64)
    #expect(Mirror(reflecting: times).children.map { $0.label ?? "" } == times.named.map(\.name))
    #expect(times.named.map(\.seconds) == [1, 2, 4, 8, 16, 32, 64] && times.total == 127)
    var sum = times
    sum += times
    #expect(sum.named.map(\.seconds) == [2, 4, 8, 16, 32, 64, 128])
  }
}
