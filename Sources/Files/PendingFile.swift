#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A file that appears under its name only when it is complete: written under a hidden name in the same
/// folder, synced, then renamed.
///
/// The hidden name is `.NAME.PID.tmp`. Whoever writes it holds a lock on it, so that leftovers of writers
/// that were killed can be told from files being written, by other hosts too.
public final class PendingFile {
  /// The path it will have.
  public let path: String
  private let folder: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file for `path`, and removes those that killed writers of `path` left behind.
  ///
  /// - Throws: kind `notCreatable`.
  public init(path: String) throws(FileError) {
    let (folder, name) = Self.split(path)
    let temporaryPath = join(folder, Self.temporaryName(for: name, process: getpid()))
    Self.removeLeftovers(in: folder) { $0 == name }
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FileError(.notCreatable, "\(path): cannot be created: \(systemMessage(errno))")
    }
    flock(descriptor, LOCK_EX | LOCK_NB)
    self.path = path
    self.folder = folder
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  deinit {
    guard descriptor >= 0 else { return }
    unlink(temporaryPath)
    close(descriptor)
  }

  /// Appends `bytes`.
  ///
  /// - Throws: kind `inputOutput`, e.g. when the disk is full.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest)
      let written = write(descriptor, piece.baseAddress, piece.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure(errno)
      }
      rest = rest.dropFirst(written)
    }
  }

  /// Appends `bytes`.
  ///
  /// - Throws: kind `inputOutput`.
  public func append(_ bytes: [UInt8]) throws(FileError) {
    let code = bytes.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try code.get()
  }

  /// Gives the file its name, on disk too: after this call it survives a power failure.
  ///
  /// - Throws: kind `inputOutput`; what had the name before is still there, unless only the last step failed,
  ///   to make the new name itself survive.
  public func commit() throws(FileError) {
    guard retrying({ fsync(descriptor) }) == 0, rename(temporaryPath, path) == 0 else {
      throw failure(errno)
    }
    close(descriptor)
    descriptor = -1
    let code = Self.sync(folder: folder)
    guard code == 0 else { throw failure(code) }
  }

  /// Creates `folder` and the folders above it where they are missing.
  ///
  /// - Throws: kind `notCreatable`.
  public static func createFolder(_ folder: String) throws(FileError) {
    var partial = folder.hasPrefix("/") ? "/" : "."
    for part in folder.split(separator: "/") {
      let parent = partial
      partial = join(partial, String(part))
      if mkdir(partial, 0o755) == 0 {
        _ = sync(folder: parent)
        continue
      }
      let code = errno
      var status = stat()
      guard stat(partial, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        throw FileError(.notCreatable, "\(folder): cannot create this folder: \(systemMessage(code))")
      }
    }
  }

  /// Removes the temporary files that killed writers left in `folder`, of files whose names `isMeant` accepts.
  public static func removeLeftovers(in folder: String, of isMeant: (_ name: String) -> Bool) {
    for temporary in namesInFolder(folder) ?? [] {
      guard let (name, process) = parse(temporary), isMeant(name) else { continue }
      let path = join(folder, temporary)
      if isAbandoned(path, process) { unlink(path) }
    }
  }

  /// Whether nobody writes the temporary file any more.
  private static func isAbandoned(_ path: String, _ process: pid_t) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
    // The lock is free or there are no locks on this file system. A live process of that number may be just
    // about to take it, though; for a minute it gets the benefit of the doubt.
    let isAlive = process != getpid() && (kill(process, 0) == 0 || errno == EPERM)
    var status = stat()
    return !isAlive || (fstat(descriptor, &status) == 0 && Int(status.st_mtim.tv_sec) < time(nil) - 60)
  }

  /// The name of the file that the process numbered `process` writes to before it becomes `name`.
  public static func temporaryName(for name: String, process: Int32) -> String {
    ".\(name).\(process).tmp"
  }

  /// The file that a temporary one was to become, and who wrote it; nil for the names of other files.
  private static func parse(_ temporary: String) -> (name: String, process: pid_t)? {
    let parts = temporary.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].isEmpty, parts.last == "tmp",
      let process = pid_t(parts[parts.count - 2]), process > 0
    else { return nil }
    return (parts[1..<parts.count - 2].joined(separator: "."), process)
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[...slash]), String(path[path.index(after: slash)...]))
  }

  /// Makes the names in `folder` survive a power failure; returns an error number or 0.
  private static func sync(folder: String) -> Int32 {
    let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { return errno }
    defer { close(directory) }
    // Some file systems cannot sync a folder (EINVAL); they have nothing to lose by it.
    return retrying({ fsync(directory) }) == 0 || errno == EINVAL ? 0 : errno
  }

  private func failure(_ code: Int32) -> FileError {
    FileError(.inputOutput, "\(path): cannot be written: \(systemMessage(code))")
  }
}

/// Repeats a system call that a signal interrupted.
private func retrying(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    if result == 0 || errno != EINTR { return result }
  }
}
