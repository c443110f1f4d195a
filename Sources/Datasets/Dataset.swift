package import Files
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// An opened dataset of grey images, all of one shape, and their classes, split into a training and a test part.
///
/// A small value that can be sent and copied: it knows where the samples are, and each `read` gets those
/// that were asked for, so that a rank holds its own part only.
package struct Dataset: Sendable {
  /// The two parts of a dataset.
  package enum Split: String, Hashable, Sendable, CaseIterable {
    case train
    case test
  }

  enum Storage: Sendable {
    case files(train: IDXPair, test: IDXPair)
    case synthetic(SyntheticDigits)
  }

  /// What people call it: the name of the folder it lies in, or `synthetic:60000:1`.
  package let name: String
  /// Where it lies: the folder's path; nil for a synthetic dataset.
  package let folder: String?
  /// The number of training samples.
  package let trainCount: Int
  /// The number of test samples.
  package let testCount: Int
  /// The shape of its images and the number of its classes, which is one more than the largest label of both parts.
  package let format: SampleFormat
  /// Where that label is found first, in words.
  package let labelEvidence: String
  /// What a user should know of it, a sentence each.
  package let remarks: [String]

  private let storage: Storage

  /// Opens the IDX files in `folder`: reads their headers and checks them, plain files' lengths too; reads all labels.
  ///
  /// Names as of MNIST (also used by Fashion-MNIST and KMNIST), EMNIST's splits or QMNIST, with hyphens or dots; each file
  /// plain or with `.gz`; in the folder itself or where torchvision puts them, in `raw` or one folder's `raw`. Of several
  /// datasets in one folder, `FOLDER/NAME` is one, e.g. `gzip/emnist-letters`. EMNIST's images are transposed in its files
  /// and delivered as they lie there.
  ///
  /// - Throws: `missing` if a file is not there, `malformed` if one is not as it should be.
  package init(folder: String) throws(FileError) {
    let (layout, place) = try IDXLayout.find(in: folder)
    let train = try IDXPair(layout, .train, in: place)
    let test = try IDXPair(layout, .test, in: place)
    guard test.shape == train.shape else {
      throw FileError(
        .malformed,
        "\(test.images.path): expected images of \(train.shape) pixels as in \(train.images.path), found "
          + "\(test.shape)")
    }
    let census = try LabelCensus(train: train.labels, test: test.labels)
    format = SampleFormat(shape: train.shape, classCount: census.classCount)
    labelEvidence = census.evidence
    self.folder = folder
    name = FilePath(folder).components.last { $0.kind != .currentDirectory }?.string ?? folder
    trainCount = train.count
    testCount = test.count
    storage = .files(train: train, test: test)
    var remarks: [String] = []
    if let gap = census.gap {
      remarks.append(
        "the dataset \(name) has \(format.classCount) classes, 0 to \(format.classCount - 1), and \(gap)")
    }
    if layout.isTransposed {
      remarks.append(
        "the dataset \(name) is EMNIST's by its files' names, which hold images transposed, rows as columns: they are "
          + "used as they lie there")
    }
    self.remarks = remarks
  }

  /// A dataset drawn by a generator.
  package init(synthetic digits: SyntheticDigits, trainCount: Int, testCount: Int) {
    precondition(trainCount > 0 && testCount > 0, "\(trainCount) training and \(testCount) test samples")
    folder = nil
    format = SyntheticDigits.format
    labelEvidence = "drawn digits are 0 to 9"
    remarks = []
    name = "synthetic:\(trainCount):\(digits.seed)"
    self.trainCount = trainCount
    self.testCount = testCount
    storage = .synthetic(digits)
  }

  /// The number of samples of one part.
  package func count(of split: Split) -> Int {
    split == .train ? trainCount : testCount
  }

  /// Whether samples are drawn by a generator, so that an accuracy on them is not MNIST's.
  package var isSynthetic: Bool { folder == nil }

  /// Whether reading a range costs no more than its own length: not so for gzip files, where everything
  /// that precedes it is decompressed as well.
  package var hasRandomAccess: Bool {
    switch storage {
    case .files(let train, let test): train.hasRandomAccess && test.hasRandomAccess
    case .synthetic: true
    }
  }

  /// Reads the samples `range` of one part; labels are checked.
  ///
  /// - Throws: `malformed` if a file is damaged, too short or too long, or a label is out of range;
  ///   `missing` or `inputOutput` if it can no longer be read.
  package func read(_ split: Split, _ range: Range<Int>) throws(FileError) -> LabelledImages {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count(of: split),
      "no samples \(range) among \(count(of: split))")
    switch storage {
    case .files(let train, let test):
      return try (split == .train ? train : test).read(range, classCount: format.classCount)
    case .synthetic(let digits):
      return digits.draw(split, range)
    }
  }

  /// Reads all samples of one part.
  package func read(_ split: Split) throws(FileError) -> LabelledImages {
    try read(split, 0..<count(of: split))
  }

  /// Passes the samples `range` of one part, nil for all, on to `body` in order, `size` at a time, the last time maybe
  /// fewer.
  ///
  /// Files are read once from first to last, gzip files too, and no more than a piece of them is held.
  ///
  /// - Throws: What `read` throws, and what `body` does.
  package func readInPieces(
    _ split: Split, _ range: Range<Int>? = nil, of size: Int,
    _ body: (LabelledImages) throws(FileError) -> Void
  ) throws(FileError) {
    let range = range ?? 0..<count(of: split)
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count(of: split),
      "no samples \(range) among \(count(of: split))")
    switch storage {
    case .files(let train, let test):
      try (split == .train ? train : test).readInPieces(range, of: size, classCount: format.classCount, body)
    case .synthetic(let digits):
      for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
        try body(digits.draw(split, start..<min(start + size, range.upperBound)))
      }
    }
  }

  /// Where the samples lie, so that whoever finds the same text would read the same bytes: what tells its files from all
  /// others (inode, length, and the times of the last change, which no two files share but those of equal copies of a
  /// whole disk), or the generator's name. On hosts that share a file system it is the same.
  package var storageIdentity: String {
    switch storage {
    case .files(let train, let test):
      [train.images, train.labels.file, test.images, test.labels.file].map { Self.fileIdentity($0.path) }
        .joined(separator: " ")
    case .synthetic: name
    }
  }

  private static func fileIdentity(_ path: String) -> String {
    var info = stat()
    // A file that can't be looked at any more is the same as no other: reading it will say so.
    guard stat(path, &info) == 0 else { return path }
    let (changed, modified) = (info.st_ctim, info.st_mtim)
    return
      "\(info.st_ino):\(info.st_size):\(modified.tv_sec).\(modified.tv_nsec):\(changed.tv_sec).\(changed.tv_nsec)"
  }
}
