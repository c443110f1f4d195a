import Datasets
import Digests
import TestSupport
import Testing

@Suite struct PublishedDatasetTests {
  private func recognition(_ train: Int, _ test: Int, isSynthetic: Bool = false) -> PublishedDataset
    .Recognition?
  {
    PublishedDataset.recognition(
      trainCount: train, testCount: test, digest: SHA256Digest(of: [1]), isSynthetic: isSynthetic)
  }

  @Test func sizesAreNotContent() throws {
    let found = try #require(recognition(60_000, 10_000)).description
    for name in ["MNIST, ", "Fashion-MNIST", "KMNIST", "EMNIST"] { #expect(found.contains(name), "\(found)") }
    #expect(found.contains("but not the content of MNIST as published"))
    let other = try #require(recognition(240_000, 40_000)).description
    #expect(other == "has the sizes of EMNIST's split digits, whose content is not known here")
    #expect(recognition(60_000, 10_001) == nil)
    #expect(recognition(60_000, 10_000, isSynthetic: true) == nil)
  }

  @Test(.enabled(if: folderWithMNIST() != nil))
  func theRealOneIsKnownByItsContent() throws {
    let dataset = try Dataset(folder: #require(folderWithMNIST()))
    let found = PublishedDataset.recognition(
      trainCount: dataset.trainCount, testCount: dataset.testCount, digest: try dataset.identity(),
      isSynthetic: false)
    #expect(found == .content(of: "MNIST"))
    #expect(found?.description == "is MNIST as published")
  }

  /// What tells files apart, and that a range of them is read alone.
  @Test func filesAreToldApartAndReadInParts() throws {
    let scratch = try Scratch()
    for folder in ["a", "b"] {
      for (name, bytes) in datasetFiles(train: 50, test: 10) { try scratch.write("\(folder)/\(name)", bytes) }
    }
    let (a, b) = (try Dataset(folder: scratch("a")), try Dataset(folder: scratch("b")))
    #expect(a.storageIdentity == (try Dataset(folder: scratch("a/../a"))).storageIdentity)
    #expect(a.storageIdentity != b.storageIdentity)
    var pieces: [LabelledImages] = []
    try a.readInPieces(.train, 7..<30, of: 10) { pieces.append($0) }
    #expect(pieces.map(\.count) == [10, 10, 3])
    #expect(pieces.flatMap(\.images) == (try b.read(.train, 7..<30)).images)
    #expect(pieces.flatMap(\.labels) == (try b.read(.train, 7..<30)).labels)
  }
}
