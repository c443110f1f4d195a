import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@Suite struct CheckpointStoreTests {
  private func save(_ store: CheckpointStore, _ step: Int, score: Double? = nil) throws {
    var metadata = ["step": "\(step)"]
    metadata[CheckpointStore.scoreKey] = score.map { "\($0)" }
    try smallContents(seed: step).data.withUnsafeBytes {
      try store.save(step: step, tensors: smallTensors, metadata: metadata, pieces: [$0])
    }
  }

  @Test func listsByStepNewestFirst() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch("run/checkpoints"), keep: 10)
    #expect(try store.list() == [])
    try store.prepare()
    for step in [20, 1_000_000, 3] { try save(store, step) }
    for other in ["step-00003.safetensors", "step-0000009.safetensors", "step-+00009.safetensors", "x"] {
      try scratch.write("run/checkpoints/\(other)", [])
    }
    #expect(try store.list().map(\.step) == [1_000_000, 20, 3])
    #expect(store.path(forStep: 3) == scratch("run/checkpoints/step-000003.safetensors"))
    let newest = try store.newestValid()
    #expect(newest.checkpoint?.path == scratch("run/checkpoints/step-1000000.safetensors"))
    #expect(newest.checkpoint?.contents.metadata == ["step": "1000000"])
  }

  @Test func laterCheckpointsAreSetAside() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 10)
    for step in [10, 20, 30] { try save(store, step) }
    try scratch.write("step-000040.safetensors", [1, 2, 3])
    let later = try scratch.read("step-000030.safetensors")
    #expect(
      Set(try store.setAside(after: 10))
        == [20, 30].map { scratch("step-0000\($0).safetensors.left") }.reduce(into: []) {
          $0.insert($1)
        })
    #expect(try store.list().map(\.step) == [40, 10], "what is cut stays where it is")
    #expect(try store.newestValid().checkpoint?.path == scratch("step-000010.safetensors"))
    #expect(try scratch.read("step-000030.safetensors.left") == later)
    // Nothing is overwritten by a second turn.
    try save(store, 30)
    #expect(try store.setAside(after: 10) == [scratch("step-000030.safetensors.left-2")])
    #expect(try scratch.read("step-000030.safetensors.left") == later)
    #expect(try store.setAside(after: 10) == [])
  }

  @Test func keepsTheNewestAndTheBest() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 2)
    let scores: [Double?] = [98.1, 99.2, nil, 99.2, 9.9, 98.5, .nan]
    var left: [[Int]] = []
    for (index, score) in scores.enumerated() {
      try save(store, (index + 1) * 10, score: score)
      left.append(try store.list().map(\.step))
    }
    #expect(left == [[10], [20, 10], [30, 20], [40, 30], [50, 40], [60, 50, 40], [70, 60, 40]])
  }

  /// Going on from an old checkpoint must not lose what is written then to the newer steps of before.
  @Test func whatHasJustBeenWrittenStays() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 2)
    for step in [100, 200, 300] { try save(store, step) }
    try save(store, 150)
    #expect(try store.list().map(\.step) == [300, 200, 150])
  }

  @Test func damagedOnesAreNamedAndSkipped() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 5)
    for step in [100, 200, 300, 400] { try save(store, step) }
    let cut = try scratch.read("step-000400.safetensors").dropLast(1)
    try scratch.write("step-000400.safetensors", Array(cut))
    var flipped = try scratch.read("step-000300.safetensors")
    flipped[flipped.count - 5] ^= 1
    try scratch.write("step-000300.safetensors", flipped)

    let newest = try store.newestValid()
    #expect(newest.checkpoint?.path == store.path(forStep: 200))
    #expect(newest.checkpoint?.contents.data == smallContents(seed: 200).data)
    #expect(newest.skipped.count == 2)
    #expect(newest.skipped.first?.description.hasPrefix(store.path(forStep: 400)) == true)
    #expect(newest.skipped.last?.description.hasPrefix(store.path(forStep: 300)) == true)
    #expect(newest.skipped.last?.description.contains("does not match its digest") == true)
  }

  @Test func nothingIntactIsNoError() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 1)
    try scratch.write("step-000001.safetensors", [1, 2, 3])
    try FileManager.default.createDirectory(
      atPath: store.path(forStep: 2), withIntermediateDirectories: false)
    let newest = try store.newestValid()
    #expect(newest.checkpoint == nil)
    #expect(newest.skipped.map(\.kind) == [.missing, .malformed])
  }

  /// A cut file neither takes the place of a whole one nor is thrown away unseen.
  @Test func cutFilesDoNotCount() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 2)
    for step in [100, 200, 300] { try scratch.write("step-000\(step).safetensors", [0]) }
    for step in [50, 60, 70] { try save(store, step) }
    #expect(try store.list().map(\.step) == [300, 200, 100, 70, 60])
  }

  @Test func aFolderThatIsAFile() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: try scratch.write("file", [1]), keep: 1)
    #expect(failure { _ = try store.newestValid() }?.kind == .inputOutput)
    #expect(failure { try save(store, 1) }?.kind == .notCreatable)
  }
}
