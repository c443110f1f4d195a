internal import Files
internal import Foundation
internal import SystemPackage

/// How the four files of a dataset are called.
struct IDXLayout: Sendable {
  let trainPrefix: String
  let testPrefix: String

  /// MNIST, Fashion-MNIST, KMNIST; then EMNIST's two splits of digits.
  static let known: [IDXLayout] =
    [
      IDXLayout(trainPrefix: "train", testPrefix: "t10k"),
      IDXLayout(trainPrefix: "emnist-digits-train", testPrefix: "emnist-digits-test"),
      IDXLayout(trainPrefix: "emnist-mnist-train", testPrefix: "emnist-mnist-test"),
    ]

  /// What the file of images is called; the first of these names is the published one, the others are those of file managers
  /// and unpackers.
  func imagesNames(_ split: Dataset.Split) -> [String] { names(split, "images", "idx3") }

  func labelsNames(_ split: Dataset.Split) -> [String] { names(split, "labels", "idx1") }

  private func names(_ split: Dataset.Split, _ kind: String, _ format: String) -> [String] {
    let prefix = split == .train ? trainPrefix : testPrefix
    return ["-\(format)-ubyte", ".\(format)-ubyte", "-\(format).ubyte", ".\(format).ubyte"].map {
      "\(prefix)-\(kind)\($0)"
    }
  }

  /// Whether any of the four files is in `folder`.
  func isPresent(in folder: String) -> Bool {
    Dataset.Split.allCases.contains { split in
      (imagesNames(split) + labelsNames(split)).contains { IDXFile.locate($0, in: folder) != nil }
    }
  }

  /// The layout of the files in `folder`, and where they are: there, or where torchvision puts them (`MNIST/raw`).
  static func find(in folder: String) throws(FileError) -> (layout: IDXLayout, folder: String) {
    guard FilePath(folder).isFolder else {
      let found = FilePath(folder).isFile ? "a file" : "nothing"
      throw FileError(.missing, "\(folder): expected a folder with IDX files, found \(found)")
    }
    let nested = ["raw"] + names(in: folder).map { $0 + "/raw" }
    let places =
      [folder] + nested.map { FilePath(folder).appending($0).string }.filter { FilePath($0).isFolder }
    let found = places.compactMap { place in
      known.first { $0.isPresent(in: place) }.map { (layout: $0, folder: place) }
    }
    guard let first = found.first else {
      throw FileError(
        .missing,
        "\(folder): expected \(known[0].imagesNames(.train)[0]) (or with .gz) and its three companions, found "
          + description(of: folder))
    }
    // What lies in the folder itself goes first; of several below it none is the one that is meant.
    guard first.folder == folder || found.count == 1 else {
      throw FileError(
        .missing,
        "\(folder): expected one dataset, found \(found.map(\.folder).joined(separator: " and ")): name one of them"
      )
    }
    return first
  }

  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// What is in a folder that has no dataset, for people.
  private static func description(of folder: String) -> String {
    let names = names(in: folder).filter { $0.contains("idx") }
    guard let first = names.first else { return "none of them" }
    let rest = names.count > 1 ? " and \(names.count - 1) more" : ""
    var why = "whose name says nothing of what it is: rename the files"
    if ["letters", "balanced", "byclass", "bymerge"].contains(where: { first.contains("emnist-" + $0) }) {
      why = "which has letters: EMNIST's splits of digits are emnist-digits and emnist-mnist"
    } else if first.contains("qmnist") || first.contains("idx2") {
      why = "as QMNIST has it: its labels would have to be in an idx1-ubyte file, the classes alone"
    }
    return "\(first)\(rest), \(why)"
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
    images = try IDXFile(path: Self.path(of: layout.imagesNames(split), in: folder), dimensionCount: 3)
    labels = try IDXFile(path: Self.path(of: layout.labelsNames(split), in: folder), dimensionCount: 1)
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

  /// Passes the samples of `range` on to `body`, `size` at a time.
  func readInPieces(
    _ range: Range<Int>, of size: Int, _ body: (LabelledImages) throws(FileError) -> Void
  ) throws(FileError) {
    var imageReader = try IDXReader(images, from: range.lowerBound)
    var labelReader = try IDXReader(labels, from: range.lowerBound)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
      let classes = try labelReader.next(min(size, range.upperBound - start))
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

  private static func path(of names: [String], in folder: String) throws(FileError) -> String {
    guard let path = names.lazy.compactMap({ IDXFile.locate($0, in: folder) }).first else {
      throw FileError(
        .missing,
        "\(FilePath(folder).appending(names[0])): expected this file or \(names[0]).gz, found neither")
    }
    return path
  }
}
