internal import Collectives
internal import Datasets
package import Digests
internal import Files
internal import Foundation
internal import Runs

/// What all ranks know of the dataset of a run.
package struct DatasetFacts: Hashable, Sendable {
  package var name: String
  package var trainCount: Int
  package var testCount: Int
  package var isSynthetic: Bool
  /// `DatasetIdentity`.
  package var digest: SHA256Digest
}

/// One rank's part of a run's samples, as read: before any order is applied.
struct LoadedData {
  var facts: DatasetFacts
  var train: LabelledImages
  /// The index of the first of them.
  var firstOfTrain: Int
  var test: Shard
  /// Who read which training and test samples.
  var trainPlacement: Placement
  var testPlacement: Placement
}

/// What a reader tells the other ranks of its dataset.
private struct DatasetSize: Codable {
  var name: String
  var trainCount: Int
  var testCount: Int
  var isSynthetic: Bool

  func hasSameCounts(as other: DatasetSize) -> Bool {
    (trainCount, testCount, isSynthetic) == (other.trainCount, other.testCount, other.isSynthetic)
  }
}

/// What ranks found before any of them reads a sample.
struct DatasetSurvey {
  /// What this rank has opened; nil where its node has no dataset.
  fileprivate var dataset: Dataset?
  /// The ranks that have.
  fileprivate var readers: [Int]
  fileprivate var name: String
  var trainCount: Int
  fileprivate var testCount: Int
  fileprivate var isSynthetic: Bool

  /// The contiguous training samples that each rank reads.
  func trainRanges(worldSize: Int) -> [Range<Int>] {
    readingRanges(count: trainCount, readers: readers, worldSize: worldSize)
  }
}

/// Opens the dataset on every rank that has it. Called by all ranks.
///
/// That `open` finds nothing is an error only if no rank finds anything.
///
/// - Throws: `RunError`, the same on all ranks.
func surveyData(
  _ open: () throws -> Dataset, communicator: any Communicator
) throws -> DatasetSurvey {
  var missing: (any Error)?
  let dataset: Dataset? = try together(communicator) {
    do {
      return try open()
    } catch let error as FileError where error.kind == .missing {
      missing = error
      return nil
    }
  }
  let own = try dataset.map {
    try JSONEncoder().encode(
      DatasetSize(
        name: $0.name, trainCount: $0.trainCount, testCount: $0.testCount, isSynthetic: $0.isSynthetic))
  }
  let sizes = try communicator.allGather(Array(own ?? Data())).map { bytes in
    bytes.isEmpty ? nil : try JSONDecoder().decode(DatasetSize.self, from: Data(bytes))
  }
  let readers = sizes.indices.filter { sizes[$0] != nil }
  guard let first = readers.first, let size = sizes[first] else {
    return try together(communicator) { throw missing ?? RunError("no dataset was found", exitCode: 66) }
  }
  let (trainCount, testCount) = (size.trainCount, size.testCount)
  for reader in readers {
    guard let other = sizes[reader], !other.hasSameCounts(as: size) else { continue }
    throw RunError.shared(
      "the ranks' datasets differ: rank \(first) has \(trainCount) training and \(testCount) test samples, "
        + "rank \(reader) \(other.trainCount) and \(other.testCount)", exitCode: 65)
  }
  return DatasetSurvey(
    dataset: dataset, readers: readers, name: size.name, trainCount: trainCount, testCount: testCount,
    isSynthetic: size.isSynthetic)
}

/// Reads the dataset, each reader its own part, and digests it on the way. Called by all ranks.
///
/// Ranks whose node has no dataset read nothing: the first deal sends them their share.
///
/// - Throws: `RunError`, the same on all ranks.
func loadData(_ survey: DatasetSurvey, communicator: any Communicator) throws -> LoadedData {
  let (trainCount, testCount) = (survey.trainCount, survey.testCount)
  let trainRanges = survey.trainRanges(worldSize: communicator.worldSize)
  let testRanges = readingRanges(
    count: testCount, readers: survey.readers, worldSize: communicator.worldSize)
  let rank = communicator.rank
  let (train, test, digests) = try together(communicator) {
    guard let dataset = survey.dataset else {
      let nothing = LabelledImages(images: [], labels: [])
      return (nothing, Shard(nothing, first: 0, of: testCount), [UInt8]())
    }
    let train = try dataset.read(.train, trainRanges[rank])
    let trainDigests = DatasetIdentity.chunkDigests(of: train)
    let test = try dataset.read(.test, testRanges[rank])
    let testDigests = DatasetIdentity.chunkDigests(of: test)
    let bytes = (trainDigests + testDigests).flatMap(\.bytes)
    return (train, Shard(test, first: testRanges[rank].lowerBound, of: testCount), bytes)
  }
  let gathered = try communicator.allGather(digests)
  var trainDigests: [SHA256Digest] = []
  var testDigests: [SHA256Digest] = []
  for (rank, bytes) in gathered.enumerated() {
    let all = stride(from: 0, to: bytes.count, by: 32).compactMap {
      SHA256Digest(bytes: bytes[$0..<min($0 + 32, bytes.count)])
    }
    let split = DatasetIdentity.chunkCount(for: trainRanges[rank].count)
    trainDigests += all.prefix(split)
    testDigests += all.dropFirst(split)
  }
  let digest = DatasetIdentity.combine(
    trainCount: trainCount, testCount: testCount, train: trainDigests, test: testDigests)
  return LoadedData(
    facts: DatasetFacts(
      name: survey.name, trainCount: trainCount, testCount: testCount,
      isSynthetic: survey.isSynthetic, digest: digest),
    train: train, firstOfTrain: trainRanges[rank].lowerBound, test: test,
    trainPlacement: Placement(ranges: trainRanges, totalSamples: trainCount),
    testPlacement: Placement(ranges: testRanges, totalSamples: testCount))
}

/// The contiguous part of `count` samples that each rank reads: whole digest chunks, dealt to the readers.
private func readingRanges(count: Int, readers: [Int], worldSize: Int) -> [Range<Int>] {
  let chunks = DatasetIdentity.chunkCount(for: count)
  return (0..<worldSize).map { rank in
    guard let index = readers.firstIndex(of: rank) else { return 0..<0 }
    return DatasetIdentity.samples(
      ofChunks: index * chunks / readers.count..<(index + 1) * chunks / readers.count, among: count)
  }
}
