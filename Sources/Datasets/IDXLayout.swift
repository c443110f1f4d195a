internal import Files
internal import Foundation
internal import SystemPackage

/// How the four files of a dataset are called.
struct IDXLayout: Sendable {
  /// What tells it from others in the same folder, e.g. `emnist-letters`.
  let name: String
  let trainPrefix: String
  let testPrefix: String
  /// The forms of label files, the published one first.
  let labelFormats: [String]

  /// MNIST, Fashion-MNIST, KMNIST; then EMNIST's splits (Cohen et al. 2017) and QMNIST (Yadav and Bottou 2019).
  static let known: [IDXLayout] =
    [IDXLayout(name: "mnist", trainPrefix: "train", testPrefix: "t10k")]
    + ["digits", "mnist", "letters", "balanced", "bymerge", "byclass"].map {
      IDXLayout(name: "emnist-\($0)", trainPrefix: "emnist-\($0)-train", testPrefix: "emnist-\($0)-test")
    }
    + [
      IDXLayout(
        name: "qmnist", trainPrefix: "qmnist-train", testPrefix: "qmnist-test", labelFormats: ["idx2-int"])
    ]

  private init(name: String, trainPrefix: String, testPrefix: String, labelFormats: [String] = []) {
    self.name = name
    self.trainPrefix = trainPrefix
    self.testPrefix = testPrefix
    // A file's header says what it holds; names only have to be found.
    self.labelFormats =
      labelFormats + ["idx1-ubyte", "idx1-byte", "idx1-short", "idx1-int", "idx2-int"]
  }

  /// Whether its files hold images transposed, rows as columns (Cohen et al. 2017 kept MATLAB's order).
  var isTransposed: Bool { name.hasPrefix("emnist-") }

  /// What the file of images is called; the first of these names is the published one, the others are those of file managers
  /// and unpackers.
  func imagesNames(_ split: Dataset.Split) -> [String] { names(split, "images", ["idx3-ubyte"]) }

  func labelsNames(_ split: Dataset.Split) -> [String] { names(split, "labels", labelFormats) }

  private func names(_ split: Dataset.Split, _ kind: String, _ formats: [String]) -> [String] {
    let prefix = split == .train ? trainPrefix : testPrefix
    return formats.flatMap { format in
      let other = format.replacing("-", with: ".")
      return ["-\(format)", ".\(format)", "-\(other)", ".\(other)"].map { "\(prefix)-\(kind)\($0)" }
    }
  }

  /// The number of the four files that are in `folder`.
  private func fileCount(in folder: String) -> Int {
    Dataset.Split.allCases.flatMap { [imagesNames($0), labelsNames($0)] }.count { names in
      names.contains { IDXFile.locate($0, in: folder) != nil }
    }
  }

  /// Whether any of the four files is in `folder`.
  func isPresent(in folder: String) -> Bool { fileCount(in: folder) > 0 }

  /// The layout of the files in `folder`, and where they are: there, or where torchvision puts them (`MNIST/raw`). Of
  /// several datasets in one folder, as EMNIST comes, `FOLDER/NAME` is the one that is called so.
  static func find(in folder: String) throws(FileError) -> (layout: IDXLayout, folder: String) {
    var (folder, candidates) = (folder, known)
    if !FilePath(folder).isFolder {
      let path = FilePath(folder)
      let parent = path.removingLastComponent()
      let place = parent.isEmpty ? "." : parent.string
      let named = known.filter { $0.name == path.lastComponent?.string }
      guard !FilePath(folder).isFile, !named.isEmpty, FilePath(place).isFolder,
        named.contains(where: { layout in places(in: place).contains { layout.isPresent(in: $0) } })
      else {
        let found = FilePath(folder).isFile ? "a file" : "nothing"
        throw FileError(.missing, "\(folder): expected a folder with IDX files, found \(found)")
      }
      (folder, candidates) = (place, named)
    }
    var found: [(layout: IDXLayout, folder: String)] = []
    for place in places(in: folder) {
      let present = candidates.filter { $0.isPresent(in: place) }
      let whole = present.filter { $0.fileCount(in: place) == 4 }
      guard whole.count <= 1 else {
        throw FileError(
          .missing,
          "\(place): expected one dataset, found \(whole.map(\.name).joined(separator: ", ")): name one of them, e.g. "
            + FilePath(place).appending(whole[whole.count - 1].name).string)
      }
      if let layout = whole.first ?? present.first { found.append((layout, place)) }
      // What lies in the folder itself goes first; of several below it none is the one that is meant.
      if place == folder, !found.isEmpty { return found[0] }
    }
    guard let first = found.first else {
      throw FileError(
        .missing,
        "\(folder): expected \(known[0].imagesNames(.train)[0]) (or with .gz) and its three companions, found "
          + description(of: folder))
    }
    guard found.count == 1 else {
      throw FileError(
        .missing,
        "\(folder): expected one dataset, found \(found.map(\.folder).joined(separator: " and ")): name one of them"
      )
    }
    return first
  }

  /// Where the files of a dataset in `folder` may be.
  private static func places(in folder: String) -> [String] {
    let nested = ["raw"] + names(in: folder).map { $0 + "/raw" }
    return [folder] + nested.map { FilePath(folder).appending($0).string }.filter { FilePath($0).isFolder }
  }

  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// What is in a folder that has no dataset, for people.
  private static func description(of folder: String) -> String {
    let names = names(in: folder).filter { $0.contains("idx") }
    guard let first = names.first else { return "none of them" }
    let rest = names.count > 1 ? " and \(names.count - 1) more" : ""
    return "\(first)\(rest), whose name says nothing of what it is: rename the files"
  }
}
