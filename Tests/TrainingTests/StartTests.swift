import Collectives
import Datasets
import Foundation
import Runs
import TestSupport
import Testing
import Training

/// Ranks that were started with something else than the others are named before they train.
@Suite struct StartTests {
  /// What each of `size` ranks throws as it prepares a run; nil where it does not.
  private func start(
    _ size: Int = 3, ranksPerNode: Int = 1,
    dataset: @escaping @Sendable (_ rank: Int) throws -> Dataset = { _ in
      Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 400, testCount: 20)
    },
    options change: @escaping @Sendable (_ rank: Int, inout TrainingOptions) -> Void = { _, _ in }
  ) throws -> [RunError?] {
    let scratch = try Scratch()
    let path = scratch("run")
    return try InProcessWorld(size: size, ranksPerNode: ranksPerNode, stallTimeout: 20).run { world in
      var options = TrainingOptions(folder: RunFolder(path: path)) { try dataset(world.rank) }
      change(world.rank, &options)
      do {
        _ = try Trainer(communicator: world, options: options, observer: nil) { _ in
          var recipe = try #require(Recipe.named("mlp"))
          recipe.validation = 80
          return recipe
        }
        return nil
      } catch let error as RunError {
        return error
      }
    }
  }

  private func expect(
    _ errors: [RunError?], code: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for error in errors {
      let error = try #require(error, sourceLocation: sourceLocation)
      #expect(error.isShared && error.exitCode == code, "\(error)", sourceLocation: sourceLocation)
      for part in words {
        #expect(error.description.contains(part), "\(error)", sourceLocation: sourceLocation)
      }
    }
    #expect(Set(errors).count == 1, sourceLocation: sourceLocation)
  }

  @Test func ranksWithOtherOptionsAreNamed() throws {
    let changes: [(name: String, change: @Sendable (inout TrainingOptions) -> Void)] = [
      ("--verify-every is 200 on rank 0 and 2; 100 on rank 1", { $0.verifyEvery = 100 }),
      ("--checkpoint-every is not given on rank 0 and 2; 7 on rank 1", { $0.checkpointEvery = 7 }),
      ("--trace is not given on rank 0 and 2; given on rank 1", { $0.trace = "/tmp/trace" }),
      ("--reduction-algorithm is auto", { $0.algorithm = .halving }),
      ("--reduction is reproducible", { $0.reduction = .native }),
      ("--deal is speed", { $0.deal = .equal }),
      ("--no-shared-memory is not given", { $0.sharesMemory = false }),
      ("--mixed-products is not given", { $0.allowsMixedProducts = true }),
      ("--resume is not given on rank 0 and 2; given without a file on rank 1", { $0.resume = .newest }),
      (
        "--resume is not given on rank 0 and 2; a.safetensors on rank 1",
        { $0.resume = .file("a.safetensors") }
      ),
      ("; /elsewhere on rank 1", { $0.folder = RunFolder(path: "/elsewhere") }),
    ]
    for (words, change) in changes {
      let errors = try start(options: { rank, options in if rank == 1 { change(&options) } })
      try expect(errors, code: 64, words, "give all ranks the same flags")
    }
    #expect(try start(options: { $1.checkpointEvery = 7 }).allSatisfy { $0 == nil })
  }

  @Test func ranksOfOtherProgramsAndCommandsAreNamed() throws {
    func meet(_ words: [String], _ builds: [String]) throws -> [RunError?] {
      try InProcessWorld(size: 3, stallTimeout: 20).run { world in
        do {
          try requireSameProgram(words: [words[world.rank]], build: builds[world.rank], communicator: world)
          return nil
        } catch let error as RunError {
          return error
        }
      }
    }
    let same = ["train", "train", "train"]
    #expect(try meet(same, ["a", "a", "a"]).allSatisfy { $0 == nil })
    #expect(try meet(same, ["", "", ""]).allSatisfy { $0 == nil })
    try expect(try meet(same, ["a", "b", "b"]), code: 64, "a on rank 0; b on rank 1 and 2", "--mixed-builds")
    try expect(
      try meet(["train", "train", "doctor"], ["a", "a", "a"]), code: 64,
      "'lockstep train' on rank 0 and 1; 'lockstep doctor' on rank 2")
  }

  // MARK: - Datasets

  private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

  private static let samples = Dataset(
    synthetic: SyntheticDigits(seed: 5), trainCount: 3100, testCount: 1010)

  /// Writes a dataset's files into a folder; `change` spoils one of them.
  private func write(
    _ scratch: Scratch, _ folder: String, _ change: (_ name: String, inout [UInt8]) -> Void = { _, _ in }
  ) throws {
    for (split, prefix) in [(Dataset.Split.train, "train"), (.test, "t10k")] {
      let part = try Self.samples.read(split)
      let header = Self.number(part.count)
      var images = Self.number(2051) + header + Self.number(28) + Self.number(28) + part.images
      var labels = Self.number(2049) + header + part.storedLabels(width: 1)
      change(prefix + "-images", &images)
      change(prefix + "-labels", &labels)
      try scratch.write("\(folder)/\(prefix)-images-idx3-ubyte", images)
      try scratch.write("\(folder)/\(prefix)-labels-idx1-ubyte", labels)
    }
  }

  /// Whoever's part it lies in, one byte is enough: of images and labels, at the beginning and at the end.
  @Test(arguments: [
    ("train-images", 16, "training samples 0 to 999"),
    ("train-images", 16 + 784 * 1500, "training samples 1000 to 1999"),
    ("train-images", 16 + 784 * 3100 - 1, "training samples 3000 to 3099"),
    ("train-labels", 8 + 1500, "training samples 1000 to 1999"), ("t10k-images", 16, "test samples 0 to 999"),
    ("t10k-labels", 8 + 1009, "test samples 1000 to 1009"),
  ])
  func datasetsOfOtherContentAreNamed(_ file: String, _ offset: Int, _ place: String) throws {
    let scratch = try Scratch()
    try write(scratch, "a")
    try write(scratch, "b") { name, bytes in if name == file { bytes[offset] ^= 1 } }
    let (a, b) = (scratch("a"), scratch("b"))
    for odd in 0..<3 {
      let errors = try start(dataset: { try Dataset(folder: $0 == odd ? b : a) })
      let others = (0..<3).filter { $0 != odd }.map(String.init).joined(separator: " and ")
      try expect(errors, code: 65, " on rank \(odd)", " on rank \(others)", "first difference is in \(place)")
    }
  }

  @Test func copiesAreTheSameDataset() throws {
    let scratch = try Scratch()
    for folder in ["a", "b", "c"] { try write(scratch, folder) }
    let folders = ["a", "b", "c"].map { scratch($0) }
    #expect(try start(dataset: { try Dataset(folder: folders[$0]) }).allSatisfy { $0 == nil })
    // Two ranks share files, the third has none.
    let none = scratch("none")
    let some = try start(
      ranksPerNode: 2, dataset: { try Dataset(folder: $0 == 2 ? none : folders[0]) })
    #expect(some.allSatisfy { $0 == nil })
  }

  @Test func drawnDatasetsOfOtherSeedsAreNamed() throws {
    let errors = try start(dataset: {
      Dataset(synthetic: SyntheticDigits(seed: $0 == 2 ? 2 : 1), trainCount: 400, testCount: 20)
    })
    try expect(errors, code: 65, "rank 0 has synthetic:400:1, rank 2 synthetic:400:2")
    let counts = try start(dataset: {
      Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: $0 == 2 ? 300 : 400, testCount: 20)
    })
    try expect(
      counts, code: 65, "rank 0 has 400 training and 20 test samples, rank 2 300 training and 20 test")
  }
}
