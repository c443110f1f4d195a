import Checkpoints
import Collectives
import Datasets
import Model
import Runs
import Tensors
import TestSupport
import Testing
import Training

/// What `evaluate` says of models, against predictions made one by one.
@Suite struct ModelScoresTests {
  private let scratch: Scratch
  private let samples: LabelledImages
  private let source = "synthetic:1500:4"

  init() throws {
    scratch = try Scratch()
    samples = try DatasetSource.resolve(option: source, environment: [:]).open().read(.test)
  }

  /// A model that guesses, with weights drawn from `seed`.
  private func write(_ name: String, _ text: String, seed: UInt64, validation: Int = 100) throws -> String {
    var recipe = try #require(Recipe.named("quick"))
    recipe.network = try NetworkSpecification(text)
    (recipe.microBatch, recipe.validation) = (3 + Int(seed), validation)
    let layout = try Network(recipe.network, capacity: 1).layout
    let parameters = FloatBuffer(count: layout.count)
    layout.initialize(parameters, seed: seed)
    // Weights that no training has calmed guess far too confidently.
    for index in 0..<parameters.count { parameters.pointer[index] *= 0.3 }
    let path = scratch(name)
    try CheckpointFile.write(
      CheckpointContents(
        tensors: layout.tensors.map { TensorDescription(name: "parameters.\($0.name)", shape: $0.shape) },
        metadata: ["recipe": recipe.json(), "step": "1"], data: Array(parameters.bytes)[...]), to: path)
    return path
  }

  private func score(_ paths: [String], shifts: Int, ranks: Int = 1) throws -> ModelScores {
    let copies = try #require(ShiftedCopies(shifts))
    let source = source
    let scores = try InProcessWorld(size: ranks).run { world in
      try evaluateModels(
        at: paths, shifts: copies,
        openDataset: { try DatasetSource.resolve(option: source, environment: [:]).open() },
        communicator: world)
    }
    #expect(Set(scores).count == 1, "ranks disagree")
    return scores[0]
  }

  /// The probabilities of a moved image, background moving in.
  private func probabilities(_ model: TrainedModel, _ index: Int, right: Int, down: Int) -> [Float] {
    let image = samples.image(index)
    var moved = [UInt8](repeating: 0, count: image.count)
    for y in 0..<28 where (0..<28).contains(y - down) {
      for x in 0..<28 where (0..<28).contains(x - right) {
        moved[y * 28 + x] = image[(y - down) * 28 + x - right]
      }
    }
    return model.probabilities(moved)
  }

  private func confusion(_ rows: [[Float]]) -> [[Int]] {
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 10)
    for (index, row) in rows.enumerated() {
      let best = row.indices.max { (row[$0], -$0) < (row[$1], -$1) } ?? 0
      confusion[Int(samples.labels[index])][best] += 1
    }
    return confusion
  }

  private func mean(_ rows: [[Float]]) -> [Float] {
    (0..<10).map { c in rows.reduce(0) { $0 + $1[c] } / Float(rows.count) }
  }

  @Test func copiesAndModelsAreAveraged() throws {
    let paths = [
      try write("a", "conv 4x5 stride 2; relu; dense 10", seed: 1),
      try write("b", "dense 16; relu; dense 10", seed: 2),
      try write("c", "conv 8x3 stride 2 same; relu; average; dense 10", seed: 3),
    ]
    let moves = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    let models = try paths.map { try TrainedModel(path: $0) }
    let scores = try score(paths, shifts: 5)
    var (plain, copies): ([[[Float]]], [[[Float]]]) = ([], [])
    for model in models {
      plain.append((0..<samples.count).map { probabilities(model, $0, right: 0, down: 0) })
      copies.append(
        (0..<samples.count).map { index in
          mean(moves.map { probabilities(model, index, right: $0.0, down: $0.1) })
        })
    }
    for (index, figures) in scores.models.enumerated() {
      #expect(figures.plain.confusion == confusion(plain[index]))
      #expect(figures.shifted?.confusion == confusion(copies[index]))
    }
    let average = try #require(scores.average)
    let both = (0..<samples.count).map { index in mean(plain.map { $0[index] }) }
    let all = (0..<samples.count).map { index in mean(copies.map { $0[index] }) }
    #expect(average.plain.confusion == confusion(both))
    #expect(average.shifted?.confusion == confusion(all))
    let loss = zip(all, samples.labels).reduce(0.0) { $0 - naturalLogarithm(Double($1.0[Int($1.1)])) }
    #expect(abs((average.shifted?.loss ?? 0) - loss / Double(samples.count)) < 1e-4)
    #expect(scores.last == average.shifted)
    // Averages say something of their own.
    #expect(scores.models[0].plain != scores.models[0].shifted && average.plain != average.shifted)
    for ranks in [2, 4] { #expect(try score(paths, shifts: 5, ranks: ranks) == scores) }
  }

  @Test func whatIsNotAskedForIsNotThere() throws {
    let path = try write("a", "dense 10", seed: 1)
    let alone = try score([path], shifts: 1)
    #expect(alone.models.count == 1 && alone.average == nil && alone.models[0].shifted == nil)
    #expect(alone.last == alone.models[0].plain)
    // A model beside itself is itself.
    let twice = try score([path, path], shifts: 1)
    #expect(twice.models == [alone.models[0], alone.models[0]])
    #expect(twice.average?.plain.confusion == alone.last.confusion)
  }

  @Test func validationIsWhatTheRecipesKeep() throws {
    let paths = [try write("a", "dense 10", seed: 1), try write("b", "dense 10", seed: 2)]
    let (source, copies) = (source, try #require(ShiftedCopies(1)))
    func validate(_ paths: [String]) throws -> ModelScores {
      try evaluateModels(
        at: paths, on: .validation, shifts: copies,
        openDataset: { try DatasetSource.resolve(option: source, environment: [:]).open() },
        communicator: SingleCommunicator())
    }
    let scores = try validate(paths)
    let kept = try DatasetSource.resolve(option: source, environment: [:]).open().read(.train, 1400..<1500)
    let model = try TrainedModel(path: paths[0])
    let right = (0..<100).count { index in
      let row = model.probabilities(kept.image(index))
      return row.firstIndex(of: row.max() ?? 0) == Int(kept.labels[index])
    }
    #expect(scores.models[0].plain.count == 100 && scores.models[0].plain.correct == right)
    for (validation, words) in [(0, "keeps some"), (50, "100 samples were kept from")] {
      let other = try write("c", "dense 10", seed: 3, validation: validation)
      let error = try #require(throws: RunError.self) { try validate(paths + [other]) }
      #expect(error.exitCode == 64 && error.description.contains(words), "\(error.description)")
    }
  }

  @Test func onlyOddNumbersOfCopiesMoveNothing() {
    for count in [-1, 0, 2, 4, 26, 27, .max, .min] { #expect(ShiftedCopies(count) == nil) }
    for count in [1, 3, 5, 9, 25] { #expect(ShiftedCopies(count)?.count == count) }
  }
}
