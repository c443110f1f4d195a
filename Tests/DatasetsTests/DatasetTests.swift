import Datasets
import Digests
import Files
import Foundation
import TestSupport
import Testing

@Suite struct DatasetTests {
  private func write(
    _ files: [String: [UInt8]], to scratch: Scratch, compressed: (String) -> Bool = { _ in false },
    rename: (String) -> String = { $0 }
  ) throws {
    for (name, bytes) in files {
      if compressed(name) {
        try scratch.write(rename(name) + ".gz", gzip(bytes))
      } else {
        try scratch.write(rename(name), bytes)
      }
    }
  }

  @Test func plainAndCompressedFilesMayBeMixed() throws {
    let scratch = try Scratch()
    let files = datasetFiles(train: 20, test: 6)
    try write(files, to: scratch) { $0.contains("images") }
    let dataset = try Dataset(folder: scratch.path)
    #expect(dataset.trainCount == 20 && dataset.testCount == 6)
    #expect(!dataset.isSynthetic && !dataset.hasRandomAccess)
    #expect(dataset.name == (scratch.path as NSString).lastPathComponent)
    #expect(try dataset.read(.train, 7..<19) == SyntheticDigits(seed: 5).draw(.train, 7..<19))
    #expect(try dataset.read(.test) == SyntheticDigits(seed: 5).draw(.test, 0..<6))
    #expect(try dataset.read(.test, 3..<3).count == 0)
  }

  @Test func otherNamesAreFound() throws {
    let files = datasetFiles(train: 4, test: 2)
    let renamings: [(String) -> String] = [
      { "emnist-digits-" + $0.replacingOccurrences(of: "t10k", with: "test") },
      { "emnist-mnist-" + $0.replacingOccurrences(of: "t10k", with: "test") },
      { "emnist-letters-" + $0.replacingOccurrences(of: "t10k", with: "test") },
      { "qmnist-" + $0.replacingOccurrences(of: "t10k", with: "test") },
      { $0.replacingOccurrences(of: "-idx", with: ".idx") },
      // A file manager renamed some of them.
      { $0.contains("images") ? $0.replacingOccurrences(of: "-idx", with: ".idx") : $0 },
      { $0.contains("labels") ? $0.replacingOccurrences(of: "-ubyte", with: ".ubyte") : $0 },
      // torchvision's folders.
      { "MNIST/raw/" + $0 }, { "raw/" + $0 },
    ]
    for rename in renamings {
      let scratch = try Scratch()
      try write(files, to: scratch, compressed: { $0.contains("train") }, rename: rename)
      #expect(try Dataset(folder: scratch.path).read(.train).count == 4)
    }
  }

  /// What was found, and what would do.
  @Test(arguments: [
    (
      ["xnist-images-idx3-ubyte", "xnist-labels-idx2-int"],
      "found xnist-images-idx3-ubyte and 1 more, whose name"
    ),
    (["digits-idx3-ubyte"], "found digits-idx3-ubyte, whose name says nothing"),
    (
      ["MNIST/raw/train-images-idx3-ubyte", "KMNIST/raw/train-images-idx3-ubyte"],
      "expected one dataset, found"
    ),
  ])
  func filesUnderOtherNamesAreNamed(_ names: [String], _ words: String) throws {
    let scratch = try Scratch()
    for name in names { try scratch.write(name, [0]) }
    let error = failure { _ = try Dataset(folder: scratch.path) }
    #expect(
      error?.kind == .missing && error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  /// Tapes and some downloads fill up with zeros, which gzip leaves out; anything else there is damage.
  @Test(arguments: [1, 511, 200_000]) func zerosBehindGzipDataAreLeftOut(_ count: Int) throws {
    let scratch = try Scratch()
    let files = datasetFiles(train: 4, test: 2)
    let padding = [UInt8](repeating: 0, count: count)
    for (name, bytes) in files { try scratch.write(name + ".gz", gzip(bytes) + padding) }
    #expect(try Dataset(folder: scratch.path).read(.train) == SyntheticDigits(seed: 5).draw(.train, 0..<4))
    for (name, bytes) in files { try scratch.write(name + ".gz", gzip(bytes) + padding + [7]) }
    #expect(failure { _ = try Dataset(folder: scratch.path).read(.train) }?.kind == .malformed)
  }

  @Test func filesThatDoNotBelongTogetherAreErrors() throws {
    let scratch = try Scratch()
    let files = datasetFiles(train: 4, test: 2)
    func error(replacing name: String, by bytes: [UInt8]?) throws -> FileError? {
      try write(files, to: scratch)
      if let bytes {
        try scratch.write(name, bytes)
      } else {
        try FileManager.default.removeItem(atPath: scratch(name))
      }
      return failure { _ = try Dataset(folder: scratch.path).read(.train) }
    }
    let images = scratch("train-images-idx3-ubyte")
    let labels = scratch("train-labels-idx1-ubyte")
    #expect(
      try error(replacing: "train-labels-idx1-ubyte", by: idx([3], [1, 2, 3]))
        == FileError(
          .malformed, "\(labels): expected 4 labels, one for each image in \(images), found 3"))
    #expect(
      try error(replacing: "train-labels-idx1-ubyte", by: idx([4], [1, 9, 255, 3], magic: 0x901))
        == FileError(.malformed, "\(labels): expected labels from 0 to 999, found -1 for sample 2"))
    #expect(
      try error(
        replacing: "train-images-idx3-ubyte", by: idx([4, 32, 28], .init(repeating: 0, count: 3584)))
        == FileError(
          .malformed,
          "\(scratch("t10k-images-idx3-ubyte")): expected images of 32 × 28 pixels as in \(images), found 28 × 28"
        ))
    #expect(
      try error(replacing: "t10k-labels-idx1-ubyte", by: nil)
        == FileError(
          .missing,
          "\(scratch("t10k-labels-idx1-ubyte")): expected this file or t10k-labels-idx1-ubyte.gz, "
            + "found neither"))
  }

  @Test func aFolderWithoutADatasetIsAnError() throws {
    let scratch = try Scratch()
    #expect(
      failure { _ = try Dataset(folder: scratch.path) }
        == FileError(
          .missing,
          "\(scratch.path): expected train-images-idx3-ubyte (or with .gz) and its three companions, found "
            + "none of them"))
    #expect(
      failure { _ = try Dataset(folder: scratch("none")) }
        == FileError(.missing, "\(scratch("none")): expected a folder with IDX files, found nothing"))
    try scratch.write("file", [1])
    #expect(
      failure { _ = try Dataset(folder: scratch("file")) }
        == FileError(.missing, "\(scratch("file")): expected a folder with IDX files, found a file"))
  }

  @Test(arguments: [false, true]) func piecesAreTheSamplesInOrder(_ compressed: Bool) throws {
    let scratch = try Scratch()
    try write(datasetFiles(train: 7, test: 4), to: scratch) { _ in compressed }
    let synthetic = Dataset(synthetic: SyntheticDigits(seed: 5), trainCount: 7, testCount: 4)
    for dataset in [try Dataset(folder: scratch.path), synthetic] {
      for size in [1, 3, 7, 100] {
        var counts: [Int] = []
        var (images, labels): ([UInt8], [UInt16]) = ([], [])
        try dataset.readInPieces(.train, of: size) {
          counts.append($0.count)
          images += $0.images
          labels += $0.labels
        }
        #expect(counts == (0..<(7 + size - 1) / size).map { min(size, 7 - $0 * size) })
        #expect(LabelledImages(images: images, labels: labels) == (try dataset.read(.train)))
      }
    }
  }

  /// A cut and an overlong file: read in pieces, they are found as when read at once.
  @Test(arguments: [false, true]) func piecesOfDamagedFilesAreRefused(_ compressed: Bool) throws {
    for (name, change) in [
      ("train-images-idx3-ubyte", { $0.removeLast() }), ("train-images-idx3-ubyte", { $0.append(0) }),
    ] as [(String, (inout [UInt8]) -> Void)] {
      let scratch = try Scratch()
      var files = datasetFiles(train: 7, test: 4)
      change(&files[name, default: []])
      try write(files, to: scratch) { _ in compressed }
      let inPieces = failure {
        try Dataset(folder: scratch.path).readInPieces(.train, of: 2) { _ in }
      }
      #expect(inPieces?.kind == .malformed)
      #expect(inPieces == failure { _ = try Dataset(folder: scratch.path).read(.train) })
    }
  }

  @Test func theIdentityDependsOnContentAlone() throws {
    // Ragged last chunks in both parts.
    let digits = Dataset(synthetic: SyntheticDigits(seed: 5), trainCount: 2345, testCount: 1001)
    let identity = try digits.identity()
    for compressed in [false, true] {
      let scratch = try Scratch()
      try write(datasetFiles(train: 2345, test: 1001), to: scratch) { _ in compressed }
      #expect(try Dataset(folder: scratch.path).identity() == identity)
    }
    // As ranks do it: each digests some chunks.
    var train: [SHA256Digest] = []
    for chunks in [0..<1, 1..<3] {
      let range = DatasetIdentity.samples(ofChunks: chunks, among: 2345)
      train += DatasetIdentity.chunkDigests(of: try digits.read(.train, range), in: digits.format)
    }
    let test = DatasetIdentity.chunkDigests(of: try digits.read(.test), in: digits.format)
    #expect(train.count == 3 && test.count == 2)
    #expect(
      DatasetIdentity.combine(
        trainCount: digits.trainCount, testCount: digits.testCount, format: digits.format, train: train,
        test: test) == identity)

    // The definition, spelled out.
    var header = Array("lockstep dataset 1\n".utf8)
    for number in [2345, 1001, 28, 28, 10, 1000] {
      header += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    var chunks: [UInt8] = []
    for (split, ranges) in [
      (Dataset.Split.train, [0..<1000, 1000..<2000, 2000..<2345]), (.test, [0..<1000, 1000..<1001]),
    ] {
      for range in ranges {
        let samples = try digits.read(split, range)
        chunks += SHA256Digest(of: samples.images + samples.storedLabels(width: 1)).bytes
      }
    }
    #expect(SHA256Digest(of: header + chunks) == identity)

    // One pixel matters, and so does the border between the parts.
    let scratch = try Scratch()
    var files = datasetFiles(train: 2345, test: 1001)
    files["t10k-images-idx3-ubyte"]?[16 + 784 * 1000] ^= 1
    try write(files, to: scratch)
    #expect(try Dataset(folder: scratch.path).identity() != identity)
  }

  /// The real MNIST where there is one; otherwise files with the same structure.
  @Test func publishedDigestsAreVerified() throws {
    let scratch = try Scratch()
    var folder = scratch.path
    var files = PublishedFile.mnist
    if let real = folderWithMNIST() {
      folder = real
      let dataset = try Dataset(folder: real)
      #expect(dataset.trainCount == 60_000 && dataset.testCount == 10_000)
      #expect(try dataset.read(.train, 0..<10).labels == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
      #expect(try dataset.read(.test, 9_995..<10_000).labels == [2, 3, 4, 5, 6])
      #expect(
        try dataset.identity().description
          == "376b0a3605f9c0c89d25b4945bb2761b6cc3c91a2e53fc2812d2dea56a4ef77e")
    } else {
      let content = datasetFiles(train: 50, test: 10)
      try write(content, to: scratch) { $0.contains("train") }
      files = content.map {
        PublishedFile(
          name: $0.key, count: $0.value.count, digest: SHA256Digest(of: $0.value).description)
      }
    }
    for file in files {
      let path = try #require(IDXFile.locate(file.name, in: folder))
      try file.verify(path)
      let wrong = PublishedFile(name: file.name, count: file.count, digest: String(repeating: "0", count: 64))
      let error = failure { try wrong.verify(path) }
      #expect(
        error
          == FileError(
            .malformed, "\(path): expected content with SHA-256 \(wrong.digest), found \(file.digest)"))
      let short = PublishedFile(name: file.name, count: 5, digest: file.digest)
      #expect(
        failure { try short.verify(path) }
          == FileError(.malformed, "\(path): expected 5 decompressed bytes, found more"))
    }
  }
}
