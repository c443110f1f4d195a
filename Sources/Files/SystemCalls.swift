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

  /// Takes the lock on this file beside others who only look. The corresponding C function is `flock`.
  ///
  /// - Throws: as `tryLock`.
  func tryShareLock() throws(Errno) {
    try check { flock(rawValue, LOCK_SH | LOCK_NB) }
  }

  /// Says that this file was written to just now. The corresponding C function is `futimens`.
  func touch() throws(Errno) {
    try check { futimens(rawValue, nil) }
  }

  /// All bytes from the beginning on, `limit` at most. Unlike `readFile` it reads files that have no size, as in `/proc`.
  func contents(limit: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled < limit {
      let got = bytes.withUnsafeMutableBytes { buffer in
        try? read(fromAbsoluteOffset: Int64(filled), into: .init(rebasing: buffer[filled...]))
      }
      guard let got, got > 0 else { break }
      filled += got
    }
    return Array(bytes[..<filled])
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

  /// When the process of this number began, in the system's ticks since it started; numbers are used again, these pairs
  /// are not. nil if there is no such process, or no `/proc`.
  static func start(of number: Int32) -> String? {
    guard let stat = systemText("/proc/\(number)/stat"), let end = stat.lastIndex(of: ")") else { return nil }
    // Field 22 of proc(5); the name, field 2, may hold spaces.
    let fields = stat[stat.index(after: end)...].split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }
}

/// Where this process's number means something: the host, its start, the container.
enum ProcessPlace {
  /// The host's name. The corresponding C function is `gethostname`.
  static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Tells starts of the system, and containers on it, from one another; empty where the system does not say.
  static var space: String {
    var target = [CChar](repeating: 0, count: 128)
    let count = max(readlink("/proc/self/ns/pid", &target, target.count), 0)
    let container = String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let boot = systemText("/proc/sys/kernel/random/boot_id")?.prefix { !$0.isWhitespace } ?? ""
    return "\(boot)/\(container)"
  }
}

/// What a file of `/proc` says; nil if it cannot be read.
private func systemText(_ path: String) -> String? {
  guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
  defer { try? file.close() }
  return String(decoding: file.contents(limit: 4096), as: UTF8.self)
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

  /// Removes this folder if it is empty. The corresponding C function is `rmdir`.
  func removeFolder() throws(Errno) {
    try check { withPlatformString { rmdir($0) } }
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
