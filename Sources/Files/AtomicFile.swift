#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A file that appears under its name only when it is complete: written under a temporary name in the same
/// folder, synced, then renamed.
public final class AtomicFile {
  /// The path it will have.
  public let path: String
  private let folder: String
  private let temporaryPath: String
  private var descriptor: Int32

  /// Creates the temporary file.
  ///
  /// - Throws: kind `notCreatable`.
  public init(_ name: String, in folder: String) throws(FileError) {
    self.folder = folder
    path = join(folder, name)
    let unique = String(UInt64.random(in: .min ... .max), radix: 36)
    temporaryPath = join(folder, Self.temporaryPrefix(name) + unique + Self.temporarySuffix)
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FileError(.notCreatable, "\(folder): cannot create files here: \(systemMessage(errno))")
    }
    // Tells `removeLeftovers` of another process that this file is being written.
    flock(descriptor, LOCK_EX | LOCK_NB)
  }

  /// Removes the temporary file, unless it is committed.
  deinit {
    guard descriptor >= 0 else { return }
    unlink(temporaryPath)
    close(descriptor)
  }

  /// Appends `bytes`.
  ///
  /// - Throws: kind `inputOutput`, e.g. when the disk is full.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let written = write(descriptor, rest.baseAddress, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw failure("written", errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Gives the file its name, on disk too: after this call it survives a power failure.
  ///
  /// - Throws: kind `inputOutput`.
  public func commit() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw failure("written", errno) }
    guard rename(temporaryPath, path) == 0 else { throw failure("put in place", errno) }
    close(descriptor)
    descriptor = -1
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw failure("put in place", errno) }
    defer { close(directory) }
    // Some file systems cannot sync a folder (EINVAL); they have nothing to lose by it.
    guard fsync(directory) == 0 || errno == EINVAL else { throw failure("put in place", errno) }
  }

  /// Creates `folder` and the folders above it where they are missing.
  ///
  /// - Throws: kind `notCreatable`.
  public static func createFolder(_ folder: String) throws(FileError) {
    var partial = folder.hasPrefix("/") ? "/" : ""
    for part in folder.split(separator: "/") {
      partial = join(partial, String(part))
      if mkdir(partial, 0o755) == 0 { continue }
      let code = errno
      if folderExists(partial) { continue }
      throw FileError(.notCreatable, "\(partial): cannot create this folder: \(systemMessage(code))")
    }
  }

  /// Writes `bytes` to the file `name` in `folder`, all or nothing.
  ///
  /// - Throws: kinds `notCreatable` and `inputOutput`; an older file of that name then stays as it was.
  public static func save(
    _ bytes: [UInt8], as name: String, in folder: String
  ) throws(FileError) {
    let file = try AtomicFile(name, in: folder)
    var failure: FileError?
    bytes.withUnsafeBytes {
      do throws(FileError) {
        try file.append($0)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    try file.commit()
  }

  /// Removes temporary files that processes left behind which were killed while writing `name`.
  public static func removeLeftovers(of name: String, in folder: String) {
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let found = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard found.hasPrefix(temporaryPrefix(name)), found.hasSuffix(temporarySuffix) else { continue }
      let path = join(folder, found)
      let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      // Whoever writes it holds a lock; a minute covers the moment between creating and locking.
      var status = stat()
      guard fstat(descriptor, &status) == 0, Int(status.st_mtim.tv_sec) < time(nil) - 60,
        flock(descriptor, LOCK_EX | LOCK_NB) == 0
      else { continue }
      unlink(path)
    }
  }

  private static func temporaryPrefix(_ name: String) -> String { ".\(name)." }
  private static let temporarySuffix = ".part"

  private func failure(_ what: String, _ code: Int32) -> FileError {
    FileError(.inputOutput, "\(path): cannot be \(what): \(systemMessage(code))")
  }
}
