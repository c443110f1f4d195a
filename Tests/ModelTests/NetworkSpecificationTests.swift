import Model
import Testing

@Suite struct NetworkSpecificationTests {
  @Test(arguments: [
    ("quick", 29_322), ("sprint", 18_642), ("medium", 31_834), ("keras", 34_826), ("pytorch", 1_199_882),
    ("wide", 162_226), ("best", 287_722),
    ("mlp", 101_770), ("linear", 7_850),
  ])
  func namedNetworksHaveTheirParameters(_ name: String, _ count: Int) throws {
    let specification = try NetworkSpecification(name)
    #expect(try Network(specification, capacity: 1).layout.count == count)
    #expect(try NetworkSpecification(specification.description) == specification)
  }

  /// Only the layers make a network; whether the dataset says how it ends is decided by how it was called.
  @Test func networksThatAreCalledByNameEndAsTheDatasetSays() throws {
    let named = try NetworkSpecification("quick")
    let written = try NetworkSpecification(named.description)
    #expect(named == written && named.isNamed && !written.isNamed && named.classCount == 10)
    #expect(named.ending(in: 47).description == named.description.replacing("dense 10", with: "dense 47"))
  }

  @Test func spacesAndTrailingSemicolonsDoNotMatter() throws {
    let plain = try NetworkSpecification("conv 24x5 stride 2 same; relu; maxpool 3 stride 2; dense 10")
    #expect(
      try NetworkSpecification("  conv  24x5 stride 2  same ;relu;\n maxpool 3 stride 2;dense 10; ") == plain)
    #expect(plain.description == "conv 24x5 stride 2 same; relu; maxpool 3 stride 2; dense 10")
  }

  @Test(arguments: ["avgpool 2", "avgpool 3 stride 1", "channel-dropout 0.25", "dropout 0.5", "average"])
  func layersAreWrittenAsTheyAreRead(_ layer: String) throws {
    #expect(
      try NetworkSpecification("conv 4x3; \(layer); dense 10").description == "conv 4x3; \(layer); dense 10")
    #expect(LayerSpecification.keywords.contains { layer.hasPrefix($0) })
  }

  @Test(arguments: [
    ("conv 24x5 strid 2; dense 10", "strid", "not understood"),
    ("covn 24x5; dense 10", "covn", "is no layer"),
    ("conv 24x4; dense 10", "24x4", "odd kernel"),
    ("conv 24; dense 10", "24", "CHANNELSxKERNEL"),
    ("conv 0x3; dense 10", "0x3", "CHANNELSxKERNEL"),
    ("conv 8x3 stride 3; dense 10", "3", "from 1 to 2"),
    ("relu; dropout 1; dense 10", "1", "below 1"),
    ("relu; channel-dropout -0.1; dense 10", "-0.1", "below 1"),
    ("channel-dropout; dense 10", "channel-dropout", "needs a probability"),
    ("avgpool 0; dense 10", "0", "from 1 to 1024"),
    ("avgpool; dense 10", "avgpool", "needs the window's size"),
    ("dense", "dense", "needs the number"),
    ("dense 10 relu", "relu", "not understood"),
    ("relu;; dense 10", "", "missing"),
    ("", "", "missing"),
  ])
  func errorsPointAtTheWord(_ text: String, _ word: String, _ reason: String) throws {
    let error = try #require(throws: NetworkSpecificationError.self) { _ = try NetworkSpecification(text) }
    let lines = error.description.split(separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.count == 3)
    #expect(lines[0].contains(reason))
    let carets = lines[2]
    let start = carets.firstIndex(of: "^").map { carets.distance(from: carets.startIndex, to: $0) } ?? 0
    let marked = String(lines[1].dropFirst(start).prefix(carets.count { $0 == "^" }))
    if !word.isEmpty { #expect(marked == word) }
  }

  /// U+0600 is a character together with whatever follows it, be it the end of a layer.
  @Test(arguments: [
    "\u{600}", "dense 10\u{600}", "dense 10; \u{600}", "dense 10\u{600}; relu", "dense 10;\u{301}",
  ])
  func charactersThatTakeInTheNextAreNoLayer(_ text: String) {
    #expect(throws: NetworkSpecificationError.self) { _ = try NetworkSpecification(text) }
  }

  @Test(arguments: [
    ("maxpool 2; maxpool 2; maxpool 2; conv 4x5; dense 10", "'conv 4x5', does not fit an input of 3×3×1"),
    ("maxpool 9; avgpool 4; dense 10", "'avgpool 4', does not fit an input of 3×3×1"),
    ("conv 4x3; relu", "'relu', is the last one, expected a dense layer"),
  ])
  func layersThatDoNotFitAreNamed(_ text: String, _ reason: String) throws {
    let specification = try NetworkSpecification(text)
    let error = try #require(throws: NetworkSpecificationError.self) {
      _ = try Network(specification, capacity: 1)
    }
    #expect(error.description.contains(reason))
  }
}
