import Checkpoints
import Files
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct AsynchronousCheckpointWriterTests {
  /// Writes slowly: each snapshot only when the test lets it.
  private final class Gate: Sendable {
    let open = DispatchSemaphore(value: 0)
    let written = Mutex<[(step: Int, bytes: [UInt8])]>([])

    func writer(byteCount: Int, failing: Set<Int> = []) -> AsynchronousCheckpointWriter {
      AsynchronousCheckpointWriter(byteCount: byteCount) { [self] step, _, data throws(FileError) in
        open.wait()
        if failing.contains(step) { throw FileError(.inputOutput, "step \(step) failed") }
        let bytes = Array(data)
        written.withLock { $0.append((step, bytes)) }
      }
    }
  }

  private func save(_ writer: AsynchronousCheckpointWriter, _ step: Int, _ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try writer.save(step: step, metadata: [:], copying: [$0]) }
  }

  @Test func checkpointsAreThoseOfTheMomentOfSaving() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 9)
    let writer = AsynchronousCheckpointWriter(store: store, tensors: smallTensors)
    var parameters = floats(count: 40, seed: 1)
    var averages = floats(count: 40, seed: 2)
    var expected: [[Float]] = []
    for step in 1...5 {
      expected.append(parameters + averages)
      try parameters.withUnsafeBytes { first in
        try averages.withUnsafeBytes { second in
          try writer.save(step: step, metadata: ["step": "\(step)"], copying: [first, second])
        }
      }
      for index in 0..<40 {
        parameters[index] += 1
        averages[index] -= 1
      }
    }
    try writer.finish()
    #expect(try store.list().map(\.step) == [5, 4, 3, 2, 1])
    for step in 1...5 {
      let contents = try CheckpointFile(reading: store.path(forStep: step)).contents
      #expect(contents.tensors.flatMap { contents[$0.name]?.floats ?? [] } == expected[step - 1])
      #expect(contents.metadata == ["step": "\(step)"])
    }
  }

  @Test func savingDoesNotWaitForTheDisk() throws {
    let gate = Gate()
    let writer = gate.writer(byteCount: 2)
    try save(writer, 1, [1, 2])
    // Nothing can have been written yet, and still we are here.
    #expect(gate.written.withLock { $0.isEmpty })
    gate.open.signal()
    try writer.finish()
    #expect(gate.written.withLock { $0.map(\.bytes) } == [[1, 2]])
  }

  @Test func aSecondSaveDoesNotDisturbTheFirst() throws {
    let gate = Gate()
    let writer = gate.writer(byteCount: 1)
    try save(writer, 1, [1])
    Thread.detachNewThread {
      gate.open.signal()
      gate.open.signal()
    }
    try save(writer, 2, [2])
    try writer.finish()
    #expect(gate.written.withLock { $0.map(\.bytes) } == [[1], [2]])
  }

  @Test func errorsAreReportedOnceAtTheNextCall() throws {
    let gate = Gate()
    let writer = gate.writer(byteCount: 1, failing: [1, 3])
    for _ in 0..<3 { gate.open.signal() }
    try save(writer, 1, [1])
    #expect(failure { try save(writer, 2, [2]) }?.description == "step 1 failed")
    try save(writer, 2, [2])
    try writer.finish()
    try save(writer, 3, [3])
    #expect(failure { try writer.finish() }?.description == "step 3 failed")
    try writer.finish()
    #expect(gate.written.withLock { $0.map(\.step) } == [2])
  }

  @Test func realFailuresNameTheFile() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch("gone"), keep: 1)
    let writer = AsynchronousCheckpointWriter(store: store, tensors: smallTensors)
    try smallContents().data.withUnsafeBytes {
      try writer.save(step: 1, metadata: [:], copying: [$0])
    }
    let error = failure { try writer.finish() }
    #expect(error?.kind == .notCreatable)
    #expect(error?.description.hasPrefix(store.path(forStep: 1)) == true)
  }

  @Test func nothingIsLostWhenTheWriterGoes() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 1)
    do {
      let writer = AsynchronousCheckpointWriter(store: store, tensors: smallTensors)
      try smallContents(seed: 8).data.withUnsafeBytes {
        try writer.save(step: 8, metadata: [:], copying: [$0])
      }
    }
    #expect(try store.newestValid().checkpoint?.contents == smallContents(seed: 8, metadata: [:]))
  }
}
