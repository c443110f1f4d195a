package import Files
internal import SystemPackage

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Fetches the files of MNIST: what `lockstep fetch` does.
///
/// Each file is taken from the first mirror that delivers it, decompressed on the way, compared with its
/// published SHA-256, and only then given its name in the folder. A file that is already there and right,
/// plain or compressed, is kept; one that is wrong is moved aside to `NAME.wrong` once its replacement is
/// complete. Nothing half-written is ever resumed.
package struct MNISTDownload: Sendable {
  /// What happens on the way; `report` hears of it.
  package enum Event: Hashable, Sendable {
    /// The file is already there and verified.
    case kept(path: String)
    /// A file is there but wrong, for `reason`: it will be replaced.
    case foundWrong(path: String, reason: String)
    /// A wrong file has been moved out of the way.
    case setAside(path: String, as: String)
    /// A request to a mirror begins.
    case started(name: String, url: String)
    /// Bytes received so far, compressed; and how many there will be, if the mirror told.
    case progress(name: String, received: Int, total: Int?)
    /// A mirror did not deliver; the next one is tried.
    case mirrorFailed(name: String, reason: String)
    /// The file is complete, verified, in place.
    case finished(path: String)
  }

  /// Public mirrors of MNIST.
  package static let builtInMirrors = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
  ]

  /// The folder to put the files in; created if need be.
  package let folder: String
  /// The addresses (http or https) of folders that hold `NAME.gz`, in the order in which they are tried.
  package let mirrors: [String]
  /// The files to fetch.
  package let files: [PublishedFile]
  /// Seconds until a mirror must have begun to answer.
  package var connectTimeout = 15.0
  /// Seconds that a mirror may stay silent after that.
  package var stallTimeout = 30.0

  /// Prepares a download; `run` carries it out.
  package init(
    to folder: String, mirrors: [String] = MNISTDownload.builtInMirrors,
    files: [PublishedFile] = PublishedFile.mnist
  ) {
    self.folder = folder
    self.mirrors = mirrors
    self.files = files
  }

  /// Fetches what is missing or wrong, blocking the calling thread, on which `report` is called too.
  ///
  /// - Throws: `unavailable` if no mirror delivered a file, `malformed` if one delivered something else,
  ///   `notCreatable` or `inputOutput` if the folder cannot be written, `usage` for a wrong mirror address.
  package func run(report: (Event) -> Void = { _ in }) throws(FileError) {
    for mirror in mirrors {
      guard let url = URL(string: mirror), url.host != nil,
        ["http", "https"].contains(url.scheme?.lowercased())
      else {
        throw FileError(
          .usage, "mirror \(mirror): expected an address that begins with https:// or http://")
      }
    }
    try PendingFile.createFolder(folder)
    for file in files {
      PendingFile.removeLeftovers(in: folder) { $0 == file.name }
      var wrong: [String] = []
      if try isPresent(file, &wrong, report) { continue }
      try fetch(file, replacing: wrong, report)
    }
  }

  /// Whether the reader would find the right file; collects wrong ones.
  private func isPresent(
    _ file: PublishedFile, _ wrong: inout [String], _ report: (Event) -> Void
  ) throws(FileError) -> Bool {
    while let path = [file.name, file.name + ".gz"].map({ FilePath(folder).appending($0) })
      .first(where: { $0.isFile && !wrong.contains($0.string) })?.string
    {
      do {
        try file.verify(path)
      } catch {
        guard error.kind == .malformed else { throw error }
        report(.foundWrong(path: path, reason: error.description))
        wrong.append(path)
        continue
      }
      // A wrong plain file hides the right compressed one from readers.
      try setAside(wrong, report)
      report(.kept(path: path))
      return true
    }
    return false
  }

  private func fetch(
    _ file: PublishedFile, replacing wrong: [String], _ report: (Event) -> Void
  ) throws(FileError) {
    var failures: [FileError] = []
    for mirror in mirrors {
      let address = (mirror.hasSuffix("/") ? mirror : mirror + "/") + file.name + ".gz"
      guard let url = URL(string: address) else { continue }
      report(.started(name: file.name, url: address))
      do {
        let target = try PendingFile(path: FilePath(folder).appending(file.name).string)
        try receive(file, from: url, into: target, report)
        try setAside(wrong, report)
        try target.commit()
        report(.finished(path: target.path))
        return
      } catch {
        guard error.kind == .unavailable || error.kind == .malformed else { throw error }
        report(.mirrorFailed(name: file.name, reason: error.description))
        failures.append(error)
      }
    }
    let kind: FileProblem =
      failures.contains { $0.kind == .malformed } ? .malformed : .unavailable
    let reasons = failures.isEmpty ? "none is given" : failures.map(\.description).joined(separator: "; ")
    throw FileError(kind, "\(file.name): no mirror delivered this file: \(reasons)")
  }

  private func receive(
    _ file: PublishedFile, from url: URL, into target: PendingFile, _ report: (Event) -> Void
  ) throws(FileError) {
    var check = ContentCheck(file, url.absoluteString)
    var decoder = DownloadDecoder(origin: url.absoluteString)
    var received = 0
    try HTTPTransfer.get(url.absoluteString, connectTimeout: connectTimeout, stallTimeout: stallTimeout) {
      bytes, total throws(FileError) in
      received += bytes.count
      try decoder.decode(bytes) { piece throws(FileError) in
        try check.take(piece)
        try target.append(piece)
      }
      report(.progress(name: file.name, received: received, total: total))
    }
    try decoder.finish { piece throws(FileError) in
      try check.take(piece)
      try target.append(piece)
    }
    try check.finish()
  }

  private func setAside(_ paths: [String], _ report: (Event) -> Void) throws(FileError) {
    for path in paths {
      report(.setAside(path: path, as: try Datasets.setAside(path)))
    }
  }
}
