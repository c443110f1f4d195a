internal import Collectives
internal import Datasets
package import Digests
internal import Files
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
  var train: Shard
  var test: Shard
  /// Who read which training and test samples.
  var trainPlacement: Placement
  var testPlacement: Placement
}

/// Reads the dataset, each reader its own part, and digests it on the way. Called by all ranks.
///
/// Ranks whose node has no dataset read nothing: the first deal sends them their share.
///
/// That `open` finds nothing is an error only if no rank finds anything.
///
/// - Throws: `RunError`, the same on all ranks.
func loadData(
  _ open: () throws -> Dataset, communicator: any Communicator
) throws -> LoadedData {
  var missing: (any Error)?
  let dataset: Dataset? = try together(communicator) {
    do {
      return try open()
    } catch let error as FileError where error.kind == .missing {
      missing = error
      return nil
    }
  }
  let described =
    dataset.map { "\($0.trainCount) \($0.testCount) \($0.isSynthetic ? 1 : 0) \($0.name)" } ?? ""
  let descriptions = try communicator.allGather(Array(described.utf8)).map {
    String(decoding: $0, as: UTF8.self)
  }
  let readers = descriptions.indices.filter { !descriptions[$0].isEmpty }
  guard let first = readers.first else {
    return try together(communicator) { throw missing ?? RunError("no dataset was found", exitCode: 66) }
  }
  let fields = descriptions[first].split(separator: " ", maxSplits: 3).map(String.init)
  let (trainCount, testCount) = (Int(fields[0]) ?? 0, Int(fields[1]) ?? 0)
  for reader in readers {
    let other = descriptions[reader].split(separator: " ", maxSplits: 3).map(String.init)
    if other[0...2] != fields[0...2] {
      throw RunError.shared(
        "the ranks' datasets differ: rank \(first) has \(fields[0]) training and \(fields[1]) test samples, "
          + "rank \(reader) \(other[0]) and \(other[1])", exitCode: 65)
    }
  }

  let trainRanges = readingRanges(count: trainCount, readers: readers, worldSize: communicator.worldSize)
  let testRanges = readingRanges(count: testCount, readers: readers, worldSize: communicator.worldSize)
  let rank = communicator.rank
  let (train, test, digests) = try together(communicator) {
    guard let dataset else {
      let nothing = LabelledImages(images: [], labels: [])
      return (Shard(nothing, first: 0), Shard(nothing, first: 0), [UInt8]())
    }
    let train = try dataset.read(.train, trainRanges[rank])
    let trainDigests = DatasetIdentity.chunkDigests(of: train)
    let test = try dataset.read(.test, testRanges[rank])
    let testDigests = DatasetIdentity.chunkDigests(of: test)
    let bytes = (trainDigests + testDigests).flatMap(\.bytes)
    return (
      Shard(train, first: trainRanges[rank].lowerBound), Shard(test, first: testRanges[rank].lowerBound),
      bytes
    )
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
      name: fields.count > 3 ? fields[3] : "", trainCount: trainCount, testCount: testCount,
      isSynthetic: fields[2] == "1", digest: digest),
    train: train, test: test,
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
