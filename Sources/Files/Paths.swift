#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Whether a file, not a folder, has this path.
public func fileExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
}

/// Whether a folder has this path.
public func folderExists(_ path: String) -> Bool {
  var status = stat()
  return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a folder, in no order, hidden ones included; none if it is no folder or cannot be read.
public func namesInFolder(_ folder: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    names.append(
      withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      })
  }
  return names.filter { $0 != "." && $0 != ".." }
}

/// All bytes of a file.
///
/// - Throws: kinds `missing` and `inputOutput`.
public func readFile(_ path: String) throws(FileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileError(.missing, "\(path): cannot be read: \(systemMessage(errno))") }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw FileError(.missing, "\(path): expected a file, found something else")
  }
  var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
  var length = 0
  while length < bytes.count {
    let count = bytes.withUnsafeMutableBytes {
      read(descriptor, $0.baseAddress.map { $0 + length }, $0.count - length)
    }
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else {
      throw FileError(.inputOutput, "\(path): cannot be read: \(systemMessage(errno))")
    }
    if count == 0 { break }
    length += count
  }
  bytes.removeLast(bytes.count - length)
  return bytes
}

/// Removes a file; one that is not there is no error.
public func removeFile(_ path: String) {
  unlink(path)
}

/// The system's words for an error number, e.g. `No such file or directory`.
public func systemMessage(_ code: Int32) -> String {
  String(cString: strerror(code))
}

/// `folder/name`, or `name` alone in the empty folder.
public func join(_ folder: String, _ name: String) -> String {
  if folder.isEmpty || name.hasPrefix("/") { return name }
  return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}
