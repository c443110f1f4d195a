internal import Collectives
package import Datasets
package import Digests
internal import Files
internal import Foundation
internal import Inference
internal import Model
internal import Runs

/// What all ranks know of the dataset of a run.
package struct DatasetFacts: Hashable, Sendable {
  package var name: String
  package var trainCount: Int
  package var testCount: Int
  package var isSynthetic: Bool
  package var format: SampleFormat
  /// `DatasetIdentity`.
  package var digest: SHA256Digest

  /// What it has in common with published datasets, if anything.
  package var recognition: PublishedDataset.Recognition? {
    PublishedDataset.recognition(
      trainCount: trainCount, testCount: testCount, shape: format.shape, digest: digest,
      isSynthetic: isSynthetic)
  }
}

/// One rank's part of a run's samples, as read: before any order is applied.
struct LoadedData {
  var facts: DatasetFacts
  var train: CroppedImages
  /// The index of the first of them.
  var firstOfTrain: Int
  var test: Shard
  /// The pixels of the largest frame of all samples.
  var longest: Int
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
  var format: SampleFormat
  /// `Dataset.labelEvidence` and `Dataset.remarks`.
  var evidence: String
  var remarks: [String]
  /// `Dataset.storageIdentity`.
  var storage: String

  init(_ dataset: Dataset) {
    name = dataset.name
    (trainCount, testCount) = (dataset.trainCount, dataset.testCount)
    isSynthetic = dataset.isSynthetic
    format = dataset.format
    (evidence, remarks) = (dataset.labelEvidence, dataset.remarks)
    storage = dataset.storageIdentity
  }

  /// What tells this dataset from `other` before anything is read, as both are to be called; nil for nothing.
  func difference(from other: DatasetSize) -> (own: String, other: String)? {
    if (trainCount, testCount) != (other.trainCount, other.testCount) {
      return (counts, other.counts)
    }
    // Drawn datasets are as their names say.
    if isSynthetic || other.isSynthetic, (isSynthetic, name) != (other.isSynthetic, other.name) {
      return (name, other.name)
    }
    if format.shape != other.format.shape {
      return ("images of \(format.shape) pixels", "images of \(other.format.shape)")
    }
    if format != other.format {
      return (
        "\(format.classCount) classes (\(evidence))", "\(other.format.classCount) (\(other.evidence))"
      )
    }
    return nil
  }

  private var counts: String { "\(trainCount) training and \(testCount) test samples" }
}

/// What ranks found before any of them reads a sample.
struct DatasetSurvey {
  /// What this rank has opened; nil where its node has no dataset.
  fileprivate var dataset: Dataset?
  /// The ranks that have.
  fileprivate var readers: [Int]
  /// The readers of the same files, by what tells these from others; in the order of their first ranks.
  fileprivate var storages: [[Int]]
  var name: String
  var trainCount: Int
  var testCount: Int
  fileprivate var isSynthetic: Bool
  /// The same on all ranks that have the dataset.
  var format: SampleFormat
  /// Where the largest label is, and what a user should know of the dataset, in words.
  var labelEvidence: String
  var remarks: [String]

  /// The shape of a network's input.
  var inputShape: Shape { Shape(format.shape) }

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
    try JSONEncoder().encode(DatasetSize($0))
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
    guard let other = sizes[reader], let difference = size.difference(from: other) else { continue }
    throw RunError.shared(
      "the ranks' datasets differ: rank \(first) has \(difference.own), rank \(reader) \(difference.other)",
      exitCode: 65)
  }
  let storages = Dictionary(grouping: readers) { sizes[$0]?.storage ?? "" }
  return DatasetSurvey(
    dataset: dataset, readers: readers, storages: storages.values.sorted { $0[0] < $1[0] }, name: size.name,
    trainCount: trainCount, testCount: testCount,
    isSynthetic: size.isSynthetic, format: size.format, labelEvidence: size.evidence, remarks: size.remarks)
}

/// Readers of different files must find the same in them: each of these would otherwise give a part to a mixture that
/// nobody has. Called by all ranks.
///
/// Readers of the same files have nothing to compare. Else those that share files digest all of them together.
///
/// - Throws: `RunError`, the same on all ranks, with exit code 65 that names who has what.
private func requireSameContent(_ survey: DatasetSurvey, communicator: any Communicator) throws {
  guard survey.storages.count > 1 else { return }
  let rank = communicator.rank
  let digests = try together(communicator) {
    var digests: [SHA256Digest] = []
    guard let dataset = survey.dataset, let sharing = survey.storages.first(where: { $0.contains(rank) })
    else { return digests }
    for split in Dataset.Split.allCases {
      let range = readingRange(of: rank, count: dataset.count(of: split), readers: sharing)
      try dataset.readInPieces(split, range, of: DatasetIdentity.chunkSize) { samples in
        digests += DatasetIdentity.chunkDigests(of: samples, in: dataset.format)
      }
    }
    return digests
  }
  let gathered = try gather(digests, communicator)
  // The chunks of the training part, then those of the test part, by the files that they come from.
  let trainChunks = DatasetIdentity.chunkCount(for: survey.trainCount)
  let contents = survey.storages.map { sharing in
    var (train, test): ([SHA256Digest], [SHA256Digest]) = ([], [])
    for reader in sharing {
      let range = readingRange(of: reader, count: survey.trainCount, readers: sharing)
      let split = DatasetIdentity.chunkCount(for: range.count)
      train += gathered[reader].prefix(split)
      test += gathered[reader].dropFirst(split)
    }
    return train + test
  }
  let groups = Dictionary(grouping: contents.indices) { contents[$0] }.values.sorted { $0[0] < $1[0] }
  guard groups.count > 1, let other = groups.dropFirst().first else { return }
  let parts = groups.map { group in
    let digest = DatasetIdentity.combine(
      trainCount: survey.trainCount, testCount: survey.testCount, format: survey.format,
      train: Array(contents[group[0]].prefix(trainChunks)),
      test: Array(contents[group[0]].dropFirst(trainChunks)))
    let ranks = group.flatMap { survey.storages[$0] }.sorted()
    return "SHA-256 \(digest.description.prefix(12)) on rank \(list(ranks))"
  }
  let chunk =
    zip(contents[0], contents[other[0]]).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
  let (part, first, count) =
    chunk < trainChunks
    ? ("training", chunk, survey.trainCount) : ("test", chunk - trainChunks, survey.testCount)
  let samples = DatasetIdentity.samples(ofChunks: first..<first + 1, among: count)
  throw RunError.shared(
    "the ranks' datasets have the same sizes and different content: \(parts.joined(separator: "; ")); the first difference "
      + "is in \(part) samples \(samples.lowerBound) to \(samples.upperBound - 1): copy one of them to all hosts",
    exitCode: 65)
}

/// The digests that all ranks have, as many on each as it likes, by rank. Called by all ranks.
private func gather(
  _ digests: [SHA256Digest], _ communicator: any Communicator
) throws(CommunicatorError) -> [[SHA256Digest]] {
  try communicator.allGather(digests.flatMap(\.bytes)).map { bytes in
    stride(from: 0, to: bytes.count, by: 32).compactMap {
      SHA256Digest(bytes: bytes[$0..<min($0 + 32, bytes.count)])
    }
  }
}

/// Reads the dataset, each reader its own part, and digests it on the way. Called by all ranks.
///
/// Ranks whose node has no dataset read nothing: the first deal sends them their share.
///
/// - Throws: `RunError`, the same on all ranks.
func loadData(_ survey: DatasetSurvey, communicator: any Communicator) throws -> LoadedData {
  try requireSameContent(survey, communicator: communicator)
  let (trainCount, testCount, format) = (survey.trainCount, survey.testCount, survey.format)
  let trainRanges = survey.trainRanges(worldSize: communicator.worldSize)
  let testRanges = readingRanges(
    count: testCount, readers: survey.readers, worldSize: communicator.worldSize)
  let rank = communicator.rank
  // A piece of them at a time, and no more of an image than is kept.
  let (train, test, digests) = try together(communicator) {
    var (train, test) = (CroppedImages(format: format), CroppedImages(format: format))
    var digests: [SHA256Digest] = []
    guard let dataset = survey.dataset else { return (train, test, digests) }
    try dataset.readInPieces(.train, trainRanges[rank], of: DatasetIdentity.chunkSize) { samples in
      digests += DatasetIdentity.chunkDigests(of: samples, in: format)
      train.append(samples)
    }
    try dataset.readInPieces(.test, testRanges[rank], of: DatasetIdentity.chunkSize) { samples in
      digests += DatasetIdentity.chunkDigests(of: samples, in: format)
      test.append(samples)
    }
    return (train, test, digests)
  }
  let longest =
    try communicator.allGather(numbers: [Double(max(train.longest, test.longest))])
    .map { Int($0[0]) }.max() ?? 0
  var trainDigests: [SHA256Digest] = []
  var testDigests: [SHA256Digest] = []
  for (rank, all) in try gather(digests, communicator).enumerated() {
    let split = DatasetIdentity.chunkCount(for: trainRanges[rank].count)
    trainDigests += all.prefix(split)
    testDigests += all.dropFirst(split)
  }
  let digest = DatasetIdentity.combine(
    trainCount: trainCount, testCount: testCount, format: format, train: trainDigests, test: testDigests)
  return LoadedData(
    facts: DatasetFacts(
      name: survey.name, trainCount: trainCount, testCount: testCount,
      isSynthetic: survey.isSynthetic, format: format, digest: digest),
    train: train, firstOfTrain: trainRanges[rank].lowerBound,
    test: Shard(test, first: testRanges[rank].lowerBound, of: testCount, longest: longest), longest: longest,
    trainPlacement: Placement(ranges: trainRanges, totalSamples: trainCount),
    testPlacement: Placement(ranges: testRanges, totalSamples: testCount))
}

/// The contiguous part of `count` samples that each rank reads: whole digest chunks, dealt to the readers.
private func readingRanges(count: Int, readers: [Int], worldSize: Int) -> [Range<Int>] {
  (0..<worldSize).map { readingRange(of: $0, count: count, readers: readers) }
}

/// The part of `count` samples that one rank reads, none if it is no reader.
private func readingRange(of rank: Int, count: Int, readers: [Int]) -> Range<Int> {
  guard let index = readers.firstIndex(of: rank) else { return 0..<0 }
  let chunks = DatasetIdentity.chunkCount(for: count)
  return DatasetIdentity.samples(
    ofChunks: index * chunks / readers.count..<(index + 1) * chunks / readers.count, among: count)
}
