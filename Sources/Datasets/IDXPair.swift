internal import Files
internal import SystemPackage

/// The images and labels of one part of a dataset.
struct IDXPair: Sendable {
  let images: IDXFile
  let labels: IDXLabels
  /// The shape of each image.
  let shape: ImageShape

  var count: Int { images.count }
  var hasRandomAccess: Bool { images.hasRandomAccess && labels.file.hasRandomAccess }

  /// Opens the two files and checks that they belong together.
  init(_ layout: IDXLayout, _ split: Dataset.Split, in folder: String) throws(FileError) {
    images = try IDXFile(path: Self.path(of: layout.imagesNames(split), in: folder), .images)
    labels = try IDXLabels(path: Self.path(of: layout.labelsNames(split), in: folder))
    shape = ImageShape(height: images.dimensions[1], width: images.dimensions[2])
    let side = SampleFormat.longestSide
    guard max(shape.height, shape.width) <= side else {
      throw FileError(
        .malformed,
        "\(images.path): expected images of at most \(ImageShape(height: side, width: side)) pixels, found \(shape)"
      )
    }
    guard images.count <= Int(Int32.max) else {
      throw FileError(
        .malformed,
        "\(images.path): expected at most \(grouped(Int32.max)) images, found \(grouped(images.count))")
    }
    guard images.count == labels.count else {
      throw FileError(
        .malformed,
        "\(labels.file.path): expected \(grouped(images.count)) labels, one for each image in \(images.path), "
          + "found \(grouped(labels.count))")
    }
  }

  /// Reads the samples of `range`, whose labels must be below `classCount`.
  func read(_ range: Range<Int>, classCount: Int) throws(FileError) -> LabelledImages {
    let classes = try labels.read(range)
    try check(classes, below: classCount, from: range.lowerBound)
    return LabelledImages(images: try images.read(range), labels: classes, shape: shape)
  }

  /// Passes the samples of `range` on to `body`, `size` at a time.
  func readInPieces(
    _ range: Range<Int>, of size: Int, classCount: Int, _ body: (LabelledImages) throws(FileError) -> Void
  ) throws(FileError) {
    if range.isEmpty { return }
    var imageReader = try IDXReader(images, from: range.lowerBound)
    var labelReader = try IDXReader(labels.file, from: range.lowerBound)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
      let count = min(size, range.upperBound - start)
      let classes = try labels.decode(try labelReader.next(count), from: start)
      try check(classes, below: classCount, from: start)
      try body(LabelledImages(images: try imageReader.next(count), labels: classes, shape: shape))
    }
  }

  /// Checks that the labels of the samples from `start` on are those that the file had when it was opened.
  private func check(_ classes: [UInt16], below classCount: Int, from start: Int) throws(FileError) {
    guard let wrong = classes.firstIndex(where: { $0 >= classCount }) else { return }
    throw FileError(
      .malformed,
      "\(labels.file.path): expected labels below \(classCount), as when it was opened, found \(classes[wrong]) for "
        + "sample \(grouped(start + wrong))")
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
