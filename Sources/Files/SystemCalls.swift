package import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

// The system calls that Lockstep needs and swift-system does not have (as of 1.8.1), in its manner.

extension FileDescriptor {
  /// Waits until what was written is on the disk. The corresponding C function is `fsync`.
  func synchronize() throws(Errno) {
    try check { fsync(rawValue) }
  }

  /// Takes the lock on this file, for as long as it is open. The corresponding C function is `flock`.
  ///
  /// - Throws: `Errno.wouldBlock` if somebody else holds it; others where files cannot be locked.
  func tryLock() throws(Errno) {
    try check { flock(rawValue, LOCK_EX | LOCK_NB) }
  }

  /// The seconds since this file was written to last. The corresponding C functions are `time` and `fstat`.
  func age() throws(Errno) -> Int {
    time(nil) - Int(try stat().st_mtim.tv_sec)
  }
}

/// The numbers of this host's processes.
enum ProcessNumber {
  /// This process's. The corresponding C function is `getpid`.
  static var own: Int32 { getpid() }

  /// Whether there is a process of this number, whoever owns it. The corresponding C function is `kill`.
  static func isAlive(_ number: Int32) -> Bool { kill(number, 0) == 0 || errno == EPERM }
}

extension FilePath {
  /// Gives this file another name, in one step; a file of that name is replaced.
  ///
  /// The corresponding C function is `rename`.
  package func move(to other: FilePath) throws(Errno) {
    try check { withPlatformString { from in other.withPlatformString { rename(from, $0) } } }
  }

  /// Removes this file's name. The corresponding C function is `unlink`.
  package func remove() throws(Errno) {
    try check { withPlatformString { unlink($0) } }
  }

  /// Creates this folder. The corresponding C function is `mkdir`.
  func makeFolder() throws(Errno) {
    try check { withPlatformString { mkdir($0, 0o755) } }
  }

  /// The names in this folder, in no order, hidden ones included. The corresponding C functions are `opendir`
  /// and `readdir`.
  package func names() throws(Errno) -> [String] {
    guard let folder = (isEmpty ? "." : self).withPlatformString({ opendir($0) }) else {
      throw Errno(rawValue: errno)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Whether something that is not a folder has this path.
  package var isFile: Bool { (try? stat()).map { $0.type != .directory } ?? false }

  /// Whether a folder has this path.
  package var isFolder: Bool { (try? stat())?.type == .directory }
}

/// Repeats `call` while signals interrupt it.
private func check(_ call: () -> CInt) throws(Errno) {
  while call() != 0 {
    let error = Errno(rawValue: errno)
    guard error == .interrupted else { throw error }
  }
}
