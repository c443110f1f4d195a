internal import Files
internal import SystemPackage

/// How the four files of a dataset are called.
struct IDXLayout: Sendable {
  let trainPrefix: String
  let testPrefix: String
  /// What separates `images` from `idx3`: a hyphen, or the dot that some distributions write.
  let separator: String

  /// MNIST, Fashion-MNIST, KMNIST; then EMNIST's two splits of digits.
  static let known: [IDXLayout] =
    [
      IDXLayout(trainPrefix: "train", testPrefix: "t10k", separator: "-"),
      IDXLayout(trainPrefix: "train", testPrefix: "t10k", separator: "."),
      IDXLayout(trainPrefix: "emnist-digits-train", testPrefix: "emnist-digits-test", separator: "-"),
      IDXLayout(trainPrefix: "emnist-mnist-train", testPrefix: "emnist-mnist-test", separator: "-"),
    ]

  func imagesName(_ split: Dataset.Split) -> String {
    "\(split == .train ? trainPrefix : testPrefix)-images\(separator)idx3-ubyte"
  }

  func labelsName(_ split: Dataset.Split) -> String {
    "\(split == .train ? trainPrefix : testPrefix)-labels\(separator)idx1-ubyte"
  }

  /// Whether any of the four files is in `folder`.
  func isPresent(in folder: String) -> Bool {
    Dataset.Split.allCases.contains {
      IDXFile.locate(imagesName($0), in: folder) != nil || IDXFile.locate(labelsName($0), in: folder) != nil
    }
  }

  /// The layout of the files in `folder`.
  static func find(in folder: String) throws(FileError) -> IDXLayout {
    guard FilePath(folder).isFolder else {
      let found = FilePath(folder).isFile ? "a file" : "nothing"
      throw FileError(.missing, "\(folder): expected a folder with IDX files, found \(found)")
    }
    guard let layout = known.first(where: { $0.isPresent(in: folder) }) else {
      throw FileError(
        .missing,
        "\(folder): expected \(known[0].imagesName(.train)) (or with .gz) and its three companions, "
          + "found none of them")
    }
    return layout
  }
}

/// The images and labels of one part of a dataset.
struct IDXPair: Sendable {
  let images: IDXFile
  let labels: IDXFile

  var count: Int { images.count }
  var hasRandomAccess: Bool { images.hasRandomAccess && labels.hasRandomAccess }

  /// Opens the two files and checks that they belong together.
  init(_ layout: IDXLayout, _ split: Dataset.Split, in folder: String) throws(FileError) {
    images = try IDXFile(path: Self.path(of: layout.imagesName(split), in: folder), dimensionCount: 3)
    labels = try IDXFile(path: Self.path(of: layout.labelsName(split), in: folder), dimensionCount: 1)
    let shape = ImageShape(height: images.dimensions[1], width: images.dimensions[2])
    guard shape == Dataset.imageShape else {
      throw FileError(
        .malformed, "\(images.path): expected images of \(Dataset.imageShape) pixels, found \(shape)")
    }
    guard images.count == labels.count else {
      throw FileError(
        .malformed,
        "\(labels.path): expected \(grouped(images.count)) labels, one for each image in \(images.path), "
          + "found \(grouped(labels.count))")
    }
  }

  /// Reads the samples of `range`.
  func read(_ range: Range<Int>) throws(FileError) -> LabelledImages {
    let classes = try labels.read(range)
    try check(classes, from: range.lowerBound)
    return LabelledImages(images: try images.read(range), labels: classes)
  }

  /// Passes all samples on to `body`, `size` at a time.
  func readInPieces(
    of size: Int, _ body: (LabelledImages) throws(FileError) -> Void
  ) throws(FileError) {
    var imageReader = try IDXReader(images)
    var labelReader = try IDXReader(labels)
    for start in stride(from: 0, to: count, by: size) {
      let classes = try labelReader.next(min(size, count - start))
      try check(classes, from: start)
      try body(LabelledImages(images: try imageReader.next(classes.count), labels: classes))
    }
  }

  /// Checks that the labels of the samples from `start` on are classes.
  private func check(_ classes: [UInt8], from start: Int) throws(FileError) {
    guard let wrong = classes.firstIndex(where: { $0 >= Dataset.classCount }) else { return }
    throw FileError(
      .malformed,
      "\(labels.path): expected labels from 0 to \(Dataset.classCount - 1), found \(classes[wrong]) for sample "
        + grouped(start + wrong))
  }

  private static func path(of name: String, in folder: String) throws(FileError) -> String {
    guard let path = IDXFile.locate(name, in: folder) else {
      throw FileError(
        .missing, "\(FilePath(folder).appending(name)): expected this file or \(name).gz, found neither")
    }
    return path
  }
}
