internal import SystemPackage

/// A file that appears under its name only when it is complete: written under a hidden name in the same
/// folder, synced, then renamed.
///
/// The hidden name is `.NAME.PID.tmp`. Its writer holds a lock on it, so that leftovers of writers that were
/// killed can be told from files being written, by other hosts too.
package final class PendingFile {
  /// The path it will have.
  package let path: String
  private let temporary: FilePath
  /// Nil once the file has its name.
  private var descriptor: FileDescriptor?

  private var target: FilePath { FilePath(path) }
  private var folder: FilePath { target.removingLastComponent() }

  /// Creates the temporary file for `path`, and removes those that killed writers of `path` left behind.
  ///
  /// - Throws: kind `notCreatable`.
  package init(path: String) throws(FileError) {
    let target = FilePath(path)
    let folder = target.removingLastComponent()
    let name = target.lastComponent?.string ?? ""
    Self.removeLeftovers(in: folder.string) { $0 == name }
    temporary = folder.appending(Self.temporaryName(for: name, process: ProcessNumber.own))
    self.path = path
    do {
      descriptor = try .open(
        temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      throw FileError(.notCreatable, "\(path): cannot be created: \(error)")
    }
    // Without locks on this file system, leftovers are told by whether their process lives.
    try? descriptor?.tryLock()
  }

  deinit {
    guard let descriptor else { return }
    try? temporary.remove()
    try? descriptor.close()
  }

  /// Appends `bytes`.
  ///
  /// - Throws: kind `inputOutput`, e.g. when the disk is full.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    precondition(descriptor != nil, "the file is complete")
    do { _ = try descriptor?.writeAll(bytes) } catch { throw failure(error) }
  }

  /// Appends `bytes`.
  ///
  /// - Throws: kind `inputOutput`.
  package func append(_ bytes: [UInt8]) throws(FileError) {
    try bytes.withUnsafeBufferPointer { bytes throws(FileError) in try append(UnsafeRawBufferPointer(bytes)) }
  }

  /// Gives the file its name, on disk too: after this call it survives a power failure.
  ///
  /// - Throws: kind `inputOutput`; what had the name before is still there, unless only the last step failed,
  ///   to make the new name itself survive.
  package func commit() throws(FileError) {
    let descriptor = try commitKeepingOpen()
    try? descriptor.close()
  }

  /// Gives the file its name, on disk too, and hands over its open descriptor, which still has the lock.
  ///
  /// - Throws: as `commit`.
  func commitKeepingOpen() throws(FileError) -> FileDescriptor {
    guard let open = descriptor else { preconditionFailure("the file is complete") }
    do {
      try open.synchronize()
      try temporary.move(to: target)
    } catch {
      throw failure(error)
    }
    descriptor = nil
    do {
      try Self.synchronize(folder)
    } catch {
      try? open.close()
      throw failure(error)
    }
    return open
  }

  private func failure(_ error: any Error) -> FileError {
    FileError(.inputOutput, "\(path): cannot be written: \(error)")
  }

  /// Makes the names in `folder` survive a power failure.
  private static func synchronize(_ folder: FilePath) throws {
    let descriptor = try FileDescriptor.open(
      folder.isEmpty ? "." : folder, .readOnly, options: [.directory, .closeOnExec])
    try descriptor.closeAfter {
      // Some file systems cannot sync a folder; they have nothing to lose by it.
      do { try descriptor.synchronize() } catch Errno.invalidArgument {}
    }
  }
}

extension PendingFile {
  /// Creates `folder` and the folders above it where they are missing; returns those it made, outermost first.
  ///
  /// - Throws: kind `notCreatable`.
  @discardableResult
  package static func createFolder(_ folder: String) throws(FileError) -> [String] {
    let path = FilePath(folder)
    var created: [String] = []
    var partial = FilePath(root: path.root, [])
    for component in path.components {
      let parent = partial
      partial.append(component)
      do {
        try partial.makeFolder()
        created.append(partial.string)
        try? synchronize(parent)
      } catch {
        guard partial.isFolder else {
          throw FileError(.notCreatable, "\(folder): cannot create this folder: \(error)")
        }
      }
    }
    return created
  }

  /// Creates a folder that nobody else has: `base`, or where that is taken `base-2`, `base-3` and so on, whichever
  /// is free. Returns its path and, outermost first, all folders it made, those above it included.
  ///
  /// - Throws: kind `notCreatable`.
  package static func createFreshFolder(_ base: String) throws(FileError) -> (path: String, created: [String])
  {
    let parent = FilePath(base).removingLastComponent()
    let above = parent.isEmpty ? [] : try createFolder(parent.string)
    for number in 1...1000 {
      let path = number == 1 ? base : "\(base)-\(number)"
      do {
        try FilePath(path).makeFolder()
        try? synchronize(parent)
        return (path, above + [path])
      } catch {
        guard error == .fileExists else {
          throw FileError(.notCreatable, "\(path): cannot create this folder: \(error)")
        }
      }
    }
    throw FileError(.notCreatable, "\(base): expected a name that is free, found this one and 999 more taken")
  }

  /// Removes the temporary files that killed writers left in `folder`, of files whose names `isMeant` accepts.
  package static func removeLeftovers(in folder: String, of isMeant: (_ name: String) -> Bool) {
    let folder = FilePath(folder)
    for temporary in (try? folder.names()) ?? [] {
      guard let (name, process) = parse(temporary), isMeant(name) else { continue }
      let path = folder.appending(temporary)
      if isAbandoned(path, process) { try? path.remove() }
    }
  }

  /// The name of the file that the process numbered `process` writes to before it becomes `name`.
  package static func temporaryName(for name: String, process: Int32) -> String {
    ".\(name).\(process).tmp"
  }

  /// The file that a temporary one was to become, and who wrote it; nil for the names of other files.
  private static func parse(_ temporary: String) -> (name: String, process: Int32)? {
    let parts = temporary.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].isEmpty, parts.last == "tmp",
      let process = Int32(parts[parts.count - 2]), process > 0
    else { return nil }
    return (parts[1..<parts.count - 2].joined(separator: "."), process)
  }

  /// Whether nobody writes the temporary file any more.
  private static func isAbandoned(_ path: FilePath, _ process: Int32) -> Bool {
    guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    else { return false }
    defer { try? descriptor.close() }
    do { try descriptor.tryLock() } catch {
      if error == .wouldBlock { return false }
    }
    // The lock is free or there are no locks on this file system. A live process of that number may be just
    // about to take it, though; for a minute it gets the benefit of the doubt.
    guard process != ProcessNumber.own, ProcessNumber.isAlive(process) else { return true }
    return ((try? descriptor.age()) ?? 0) > 60
  }
}
