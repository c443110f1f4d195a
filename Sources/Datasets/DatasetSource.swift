package import Files
internal import Foundation
internal import SystemPackage

/// Where samples come from: what `--data` says, or the first place where some are found.
package enum DatasetSource: Hashable, Sendable {
  /// A folder with IDX files.
  case folder(String)
  /// Digits drawn by Lockstep.
  case synthetic(trainCount: Int, testCount: Int, seed: UInt64)

  /// The variable that says where the data lies, when there is no option.
  package static let environmentVariable = "LOCKSTEP_DATA"

  /// Finds the dataset of a command: the option `--data`, then the variable `LOCKSTEP_DATA`, then
  /// `data/mnist` in the working directory, then the cache folder. The first two, when given, are not looked
  /// past.
  ///
  /// - Parameters:
  ///   - option: the value of `--data`, if it was given.
  ///   - environment: the process's variables; `LOCKSTEP_DATA`, `XDG_CACHE_HOME` and `HOME` are used.
  ///   - workingDirectory: the folder that relative paths start from; empty for the process's own.
  /// - Returns: the place, which has at least one of the files or was asked for by name.
  /// - Throws: `missing` if no place has data, `usage` if a `synthetic:…` cannot be understood.
  package static func resolve(
    option: String?, environment: [String: String], workingDirectory: String = ""
  ) throws(FileError) -> DatasetSource {
    if let option {
      return try DatasetSource(parsing: option, workingDirectory: workingDirectory, from: "--data")
    }
    if let value = environment[environmentVariable], !value.isEmpty {
      return try DatasetSource(parsing: value, workingDirectory: workingDirectory, from: environmentVariable)
    }
    var places = [FilePath(workingDirectory).appending("data/mnist").string]
    if let cache = cacheFolder(environment: environment) { places.append(cache) }
    for place in places where IDXLayout.known.contains(where: { $0.isPresent(in: place) }) {
      return .folder(place)
    }
    throw FileError(
      .missing,
      "no dataset found: --data is not given, \(environmentVariable) is not set, and there are no IDX files "
        + "in \(places.joined(separator: " or in ")); run `lockstep fetch` to download MNIST, or use "
        + "`--data synthetic`")
  }

  /// `lockstep/mnist` in the user's cache folder (XDG Base Directory Specification): where `lockstep fetch`
  /// puts MNIST and every command looks last; nil if the environment names neither a cache nor a home.
  package static func cacheFolder(environment: [String: String]) -> String? {
    // The specification says that relative paths are to be ignored.
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return FilePath(cache).appending("lockstep/mnist").string
    }
    guard let home = environment["HOME"], !home.isEmpty else { return nil }
    return FilePath(home).appending(".cache/lockstep/mnist").string
  }

  /// Understands one value: a folder, or `synthetic[:COUNT[:SEED]]`. A test part is a sixth as large as the
  /// training part, as MNIST's, and at most 10,000.
  ///
  /// `origin` says in an error where the value was written; relative folders start from `workingDirectory`.
  ///
  /// - Throws: `usage` if COUNT or SEED is not a number in range.
  package init(
    parsing value: String, workingDirectory: String = "", from origin: String = "--data"
  ) throws(FileError) {
    let words = value.split(separator: ":", omittingEmptySubsequences: false)
    guard words.first == "synthetic" else {
      self = .folder(FilePath(workingDirectory).pushing(FilePath(value)).string)
      return
    }
    var trainCount = 60_000
    var seed: UInt64 = 1
    if words.count > 1 {
      guard let number = Int(words[1]), (1...Int(Int32.max)).contains(number) else {
        throw Self.misspelt(value, origin, "a number of samples from 1 to \(Int32.max)", words[1])
      }
      trainCount = number
    }
    if words.count > 2 {
      guard let number = UInt64(words[2]) else {
        throw Self.misspelt(value, origin, "a seed from 0 to \(UInt64.max)", words[2])
      }
      seed = number
    }
    if words.count > 3 {
      throw Self.misspelt(value, origin, "nothing after the seed", words[3])
    }
    let testCount = min(10_000, (trainCount + 5) / 6)
    self = .synthetic(trainCount: trainCount, testCount: testCount, seed: seed)
  }

  /// The value of an option as it is to be written down, to mean the same from another working directory.
  package static func lasting(_ value: String, workingDirectory: String) -> String {
    guard case .folder(let path)? = try? DatasetSource(parsing: value, workingDirectory: workingDirectory)
    else { return value }
    return path
  }

  /// Whether the value of an option means something that is there: digits that are drawn always are.
  package static func isPresent(_ value: String) -> Bool {
    guard case .folder(let path)? = try? DatasetSource(parsing: value) else { return true }
    return FileManager.default.fileExists(atPath: path)
  }

  /// Opens the dataset: reads and checks the headers of its files.
  package func open() throws(FileError) -> Dataset {
    switch self {
    case .folder(let path):
      try Dataset(folder: path)
    case .synthetic(let trainCount, let testCount, let seed):
      Dataset(synthetic: SyntheticDigits(seed: seed), trainCount: trainCount, testCount: testCount)
    }
  }

  private static func misspelt(
    _ value: String, _ origin: String, _ expected: String, _ found: Substring
  ) -> FileError {
    FileError(
      .usage, "\(origin) \(value): expected synthetic:COUNT:SEED with \(expected), found \"\(found)\"")
  }
}
