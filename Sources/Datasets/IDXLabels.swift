internal import Files

/// The labels of one part of a dataset, whatever whole numbers its file holds.
struct IDXLabels: Sendable {
  /// The columns of QMNIST's table: class, series, writer, digit, and four more (Yadav and Bottou 2019, §3).
  private static let columnsOfQMNIST = 8

  let file: IDXFile

  var count: Int { file.count }

  /// Opens the file at `path`.
  ///
  /// - Throws: `missing` if it cannot be opened, `malformed` if its header or its length is wrong.
  init(path: String) throws(FileError) {
    file = try IDXFile(path: path, .labels)
    guard file.dimensions.count == 1 || file.dimensions[1] == Self.columnsOfQMNIST else {
      throw FileError(
        .malformed,
        "\(path): expected labels in 1 dimension, or QMNIST's \(Self.columnsOfQMNIST) columns, found "
          + "\(grouped(file.dimensions[1])) columns")
    }
  }

  /// The labels of the samples in `range`.
  ///
  /// - Throws: What `IDXFile.read` throws, and `malformed` for a number that is no class.
  func read(_ range: Range<Int>) throws(FileError) -> [UInt16] {
    try decode(try file.read(range), from: range.lowerBound)
  }

  /// The labels that `bytes` hold, those of the samples from `start` on: big-endian, the first number of each row.
  func decode(_ bytes: [UInt8], from start: Int) throws(FileError) -> [UInt16] {
    if file.sampleBytes == 1, !file.isSigned { return bytes.map { UInt16($0) } }
    let (row, size) = (file.sampleBytes, file.elementBytes)
    var labels: [UInt16] = []
    labels.reserveCapacity(bytes.count / row)
    for offset in stride(from: 0, to: bytes.count, by: row) {
      let first = Int32(Int8(bitPattern: bytes[offset]))
      let label = bytes[offset + 1..<offset + size].reduce(first) { $0 << 8 | Int32($1) }
      guard (0..<Int32(SampleFormat.mostClasses)).contains(label) else {
        throw FileError(
          .malformed,
          "\(file.path): expected labels from 0 to \(SampleFormat.mostClasses - 1), found \(label) for sample "
            + grouped(start + offset / row))
      }
      labels.append(UInt16(label))
    }
    return labels
  }
}

/// Which classes the labels of a dataset are.
struct LabelCensus {
  /// Labels that are looked at together.
  private static let pieceLength = 1 << 20

  /// By class, whether a training sample is of it.
  private var isTrained = [Bool](repeating: false, count: SampleFormat.mostClasses)
  private var largest: UInt16 = 0
  /// Where the largest label is found first, e.g. `data/train-labels-idx1-ubyte has label 9 (sample 4)`.
  private(set) var evidence = ""

  /// Looks at all labels of both parts.
  ///
  /// - Throws: What `IDXLabels.read` throws.
  init(train: IDXLabels, test: IDXLabels) throws(FileError) {
    for (labels, isTraining) in [(train, true), (test, false)] {
      var reader = try IDXReader(labels.file)
      for start in stride(from: 0, to: labels.count, by: Self.pieceLength) {
        let bytes = try reader.next(min(Self.pieceLength, labels.count - start))
        for (index, label) in try labels.decode(bytes, from: start).enumerated() {
          if isTraining { isTrained[Int(label)] = true }
          guard label > largest || evidence.isEmpty else { continue }
          largest = label
          evidence = "\(labels.file.path) has label \(label) (sample \(grouped(start + index)))"
        }
      }
    }
  }

  /// One more than the largest label.
  var classCount: Int { Int(largest) + 1 }

  /// What there is to say of classes that no training sample is of, as in `no training sample of class 0`; nil if each
  /// class has some.
  var gap: String? {
    let missing = (0..<classCount).filter { !isTrained[$0] }
    guard !missing.isEmpty else { return nil }
    let shown = missing.prefix(5).map(String.init).joined(separator: ", ")
    let more = missing.count > 5 ? " and \(missing.count - 5) more" : ""
    return "no training sample of class \(shown)\(more)"
  }
}
