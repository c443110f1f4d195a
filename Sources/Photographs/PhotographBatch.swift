package import Files
internal import Foundation

/// The photographs that a command names, read by all cores.
package struct PhotographBatch: Sendable {
  /// What came of one photograph.
  package struct Outcome: Sendable {
    package let path: String
    package let result: Result<Reading, PhotographFailure>
    /// The photograph with what was read in it, if that was asked for.
    package let annotated: [UInt8]?
  }

  /// Names of files that a folder's pictures end with.
  private static let endings: Set<String> = [
    "jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "pgm", "ppm", "pbm", "pnm",
  ]

  /// Files, in the order in which they were named; those of folders by name.
  package let paths: [String]

  /// - Parameter named: Files, and folders whose pictures are meant; `-` is standard input.
  /// - Throws: `FileError` of kind `missing` for a folder that has no pictures or cannot be read.
  package init(named: [String]) throws(FileError) {
    var paths: [String] = []
    for name in named {
      var isFolder: ObjCBool = false
      guard name != "-", FileManager.default.fileExists(atPath: name, isDirectory: &isFolder),
        isFolder.boolValue
      else {
        paths.append(name)
        continue
      }
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: name) else {
        throw FileError(.missing, "\(name): this folder cannot be read")
      }
      let pictures = names.filter { file in
        !file.hasPrefix(".") && Self.endings.contains((file as NSString).pathExtension.lowercased())
      }
      guard !pictures.isEmpty else {
        throw FileError(.missing, "\(name): expected pictures (JPEG, PNG, WebP, HEIC, PGM, PPM), found none")
      }
      paths += pictures.sorted().map { name + "/" + $0 }
    }
    self.paths = paths
  }

  /// Reads all photographs; `body` gets what came of them in their order, a few at a time.
  ///
  /// - Parameters:
  ///   - readers: One for each thread, at least.
  ///   - workers: How many threads read.
  ///   - annotates: Whether annotated pictures are wanted.
  ///   - body: What is done with an outcome, on the thread that called.
  /// - Throws: what `body` throws.
  package func read(
    with readers: ReaderPool, workers: Int, annotates: Bool, _ body: (Outcome) throws -> Void
  ) throws {
    let count = max(workers, 1) * 4
    for start in stride(from: 0, to: paths.count, by: count) {
      let some = Array(paths[start..<min(start + count, paths.count)])
      let outcomes = concurrentMap(some.count, workers: workers) { index in
        Self.outcome(some[index], readers, annotates: annotates)
      }
      for outcome in outcomes { try body(outcome) }
    }
  }

  private static func outcome(_ path: String, _ readers: ReaderPool, annotates: Bool) -> Outcome {
    do {
      let picture = try Picture(decoding: contents(of: path), name: path == "-" ? "standard input" : path)
      let reading = readers.with { $0.read(picture) }
      return Outcome(
        path: path, result: .success(reading),
        annotated: annotates ? picture.annotated(with: reading).png() : nil)
    } catch {
      let failure = (error as? any ReportedError).map {
        PhotographFailure($0.description, exitCode: $0.exitCode)
      }
      return Outcome(
        path: path, result: .failure(failure ?? PhotographFailure("\(path): \(error)", exitCode: 70)),
        annotated: nil)
    }
  }

  private static func contents(of path: String) throws -> [UInt8] {
    guard path == "-" else { return try readFile(path) }
    return Array(try FileHandle.standardInput.readToEnd() ?? Data())
  }
}

/// Why a photograph was not read.
package struct PhotographFailure: ReportedError {
  package let description: String
  package let exitCode: Int32

  init(_ description: String, exitCode: Int32) {
    (self.description, self.exitCode) = (description, exitCode)
  }
}

extension PhotographBatch {
  /// Where annotated pictures go: to `path` itself, or into the folder of that name, which is created.
  ///
  /// - Parameters:
  ///   - path: A file's name, or a folder's.
  ///   - wantsFolder: Whether it is a folder's.
  /// - Returns: A name for each photograph; two of one name in different folders get different ones.
  /// - Throws: `FileError` of kind `notCreatable` if the folder cannot be created, or a file would be written over a
  ///   photograph that is read.
  package func annotatedNames(in path: String, wantsFolder: Bool) throws(FileError) -> [String] {
    var names = [path]
    if wantsFolder {
      try PendingFile.createFolder(path)
      var used: Set<String> = []
      names = paths.map { photograph in
        let base =
          photograph == "-"
          ? "standard-input" : ((photograph as NSString).lastPathComponent as NSString).deletingPathExtension
        var name = base
        var number = 2
        while !used.insert(name).inserted {
          name = "\(base)-\(number)"
          number += 1
        }
        return path + "/" + name + ".png"
      }
    }
    func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    let photographs = Set(paths.map(real))
    if let clash = names.first(where: { photographs.contains(real($0)) }) {
      throw FileError(.notCreatable, "\(clash): this is a photograph to read; --annotate would write over it")
    }
    return names
  }
}
