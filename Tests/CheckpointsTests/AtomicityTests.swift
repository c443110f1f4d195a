import Checkpoints
import Files
import Foundation
import TestSupport
import Testing

@Suite struct AtomicityTests {
  private struct Interruption: Error {}

  /// The number of a process that has ended.
  private func deadProcess() throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  @Test func anInterruptedWriteLeavesTheOldFileAlone() throws {
    let scratch = try Scratch()
    try CheckpointFile.write(smallContents(seed: 1), to: scratch("a.safetensors"))
    let before = try scratch.read("a.safetensors")
    #expect(throws: Interruption.self) {
      let file = try PendingFile(path: scratch("a.safetensors"))
      try file.append([1, 2, 3])
      let names = try scratch.names()
      #expect(names.count == 2, "the temporary file lies beside its target")
      #expect(try scratch.read("a.safetensors") == before)
      throw Interruption()
    }
    #expect(try scratch.names() == ["a.safetensors"])
    #expect(try scratch.read("a.safetensors") == before)
  }

  @Test func aNewFileReplacesTheOldOne() throws {
    let scratch = try Scratch()
    try CheckpointFile.write(smallContents(seed: 1), to: scratch("a.safetensors"))
    try CheckpointFile.write(smallContents(seed: 2), to: scratch("a.safetensors"))
    #expect(try CheckpointFile(reading: scratch("a.safetensors")).contents == smallContents(seed: 2))
  }

  @Test func placesThatCannotBeWritten() throws {
    let scratch = try Scratch()
    try scratch.write("file", [1])
    let inFile = failure { try CheckpointFile.write(smallContents(), to: scratch("file/a.safetensors")) }
    #expect(inFile?.kind == .notCreatable)
    #expect(inFile?.exitCode == 73)
    #expect(inFile?.description == "\(scratch("file/a.safetensors")): cannot be created: Not a directory")
    let store = CheckpointStore(folder: scratch("file/store"), keep: 1)
    #expect(failure { try store.prepare() }?.kind == .notCreatable)

    // Everything is written, and then a folder of that name stands in the way of renaming.
    try FileManager.default.createDirectory(
      atPath: scratch("b.safetensors/full"), withIntermediateDirectories: true)
    let onFolder = failure { try CheckpointFile.write(smallContents(), to: scratch("b.safetensors")) }
    #expect(onFolder?.kind == .inputOutput)
    #expect(onFolder?.exitCode == 74)
    #expect(try scratch.names() == ["b.safetensors", "file"])
  }

  @Test func leftoversOfKilledWritersAreNoCheckpointsAndDisappear() throws {
    let scratch = try Scratch()
    let store = CheckpointStore(folder: scratch.path, keep: 2)
    let whole = CheckpointFile.bytes(of: smallContents())
    let dead = try deadProcess()
    let leftover = PendingFile.temporaryName(for: "step-000100.safetensors", process: dead)
    #expect(leftover == ".step-000100.safetensors.\(dead).tmp")
    try scratch.write(leftover, whole)
    // This process had the number of one that was killed, e.g. in a container's earlier life.
    try scratch.write(".step-000200.safetensors.\(getpid()).tmp", [])
    try scratch.write("step-000050.safetensors", whole)

    #expect(try store.list().map(\.step) == [50])
    #expect(try store.newestValid().skipped == [])
    try store.prepare()
    #expect(try scratch.names() == ["step-000050.safetensors"])
  }

  @Test func leftoversOfTheSameNameGoWithTheNextWrite() throws {
    let scratch = try Scratch()
    let dead = try deadProcess()
    for process in [dead, getpid()] {
      try scratch.write(PendingFile.temporaryName(for: "a.safetensors", process: process), [1])
    }
    let other = PendingFile.temporaryName(for: "b.safetensors", process: dead)
    try scratch.write(other, [1])
    try CheckpointFile.write(smallContents(), to: scratch("a.safetensors"))
    #expect(try scratch.names() == [other, "a.safetensors"])
    #expect(try CheckpointFile(reading: scratch("a.safetensors")).contents == smallContents())
  }

  @Test func onlyLeftoversOfTheDeadAreRemoved() throws {
    let scratch = try Scratch()
    let dead = try deadProcess()
    // Process 1 lives. The others are not ours, whatever they are.
    let others = [
      ".step-000100.safetensors.1.tmp", ".notes.\(dead).tmp", "step-000100.safetensors.\(dead).tmp",
      ".step-000100.safetensors.\(dead).part", ".step-000100.safetensors.x.tmp",
    ]
    for name in others { try scratch.write(name, [1]) }
    let beingWritten = try PendingFile(path: scratch("step-000300.safetensors"))
    try beingWritten.append([1])
    try CheckpointStore(folder: scratch.path, keep: 1).prepare()
    #expect(Set(try scratch.names()).isSuperset(of: others))
    try beingWritten.commit()
    #expect(try scratch.read("step-000300.safetensors") == [1])
  }
}
