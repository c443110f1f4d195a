package import Files
internal import SystemPackage

/// An opened dataset of 28 × 28 grey images in ten classes, split into a training and a test part.
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
  /// The number of classes; labels are 0..<classCount.
  package static let classCount = 10
  /// The shape of each image.
  package static let imageShape = ImageShape.mnist

  private let storage: Storage

  /// Opens the IDX files in `folder`: reads their headers and checks them, plain files' lengths too.
  ///
  /// Names as of MNIST (also used by Fashion-MNIST and KMNIST) or of EMNIST's digits, with hyphens or dots; each file plain
  /// or with `.gz`; in the folder itself or where torchvision puts them, in `raw` or one folder's `raw`. EMNIST's images lie on their side in its files and are delivered as they lie there.
  ///
  /// - Throws: `missing` if a file is not there, `malformed` if one is not as it should be.
  package init(folder: String) throws(FileError) {
    let (layout, place) = try IDXLayout.find(in: folder)
    let train = try IDXPair(layout, .train, in: place)
    let test = try IDXPair(layout, .test, in: place)
    self.folder = folder
    name = FilePath(folder).components.last { $0.kind != .currentDirectory }?.string ?? folder
    trainCount = train.count
    testCount = test.count
    storage = .files(train: train, test: test)
  }

  /// A dataset drawn by a generator.
  package init(synthetic digits: SyntheticDigits, trainCount: Int, testCount: Int) {
    precondition(trainCount > 0 && testCount > 0, "\(trainCount) training and \(testCount) test samples")
    folder = nil
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
      return try (split == .train ? train : test).read(range)
    case .synthetic(let digits):
      return digits.draw(split, range)
    }
  }

  /// Reads all samples of one part.
  package func read(_ split: Split) throws(FileError) -> LabelledImages {
    try read(split, 0..<count(of: split))
  }

  /// Passes all samples of one part on to `body` in order, `size` at a time, the last time maybe fewer.
  ///
  /// Files are read once from first to last, gzip files too, and no more than a piece of them is held.
  ///
  /// - Throws: What `read` throws, and what `body` does.
  package func readInPieces(
    _ split: Split, of size: Int, _ body: (LabelledImages) throws(FileError) -> Void
  ) throws(FileError) {
    switch storage {
    case .files(let train, let test):
      try (split == .train ? train : test).readInPieces(of: size, body)
    case .synthetic(let digits):
      for start in stride(from: 0, to: count(of: split), by: size) {
        try body(digits.draw(split, start..<min(start + size, count(of: split))))
      }
    }
  }
}
