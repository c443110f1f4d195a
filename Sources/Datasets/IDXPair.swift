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
    guard images.dimensions[1] == 28, images.dimensions[2] == 28 else {
      throw FileError(
        .malformed,
        "\(images.path): expected images of 28 × 28 pixels, found "
          + "\(images.dimensions[1]) × \(images.dimensions[2])")
    }
    guard images.count == labels.count else {
      throw FileError(
        .malformed,
        "\(labels.path): expected \(grouped(images.count)) labels, one for each image in \(images.path), "
          + "found \(grouped(labels.count))")
    }
  }

  func read(_ range: Range<Int>) throws(FileError) -> LabelledImages {
    let classes = try labels.read(range)
    if let wrong = classes.firstIndex(where: { $0 > 9 }) {
      throw FileError(
        .malformed,
        "\(labels.path): expected labels from 0 to 9, found \(classes[wrong]) for sample "
          + grouped(range.lowerBound + wrong))
    }
    return LabelledImages(images: try images.read(range), labels: classes)
  }

  private static func path(of name: String, in folder: String) throws(FileError) -> String {
    guard let path = IDXFile.locate(name, in: folder) else {
      throw FileError(
        .missing, "\(FilePath(folder).appending(name)): expected this file or \(name).gz, found neither")
    }
    return path
  }
}
