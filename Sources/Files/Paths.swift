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

/// The names in a folder, in no order, hidden ones included; nil if it cannot be read, with the cause in `errno`.
public func namesInFolder(_ folder: String) -> [String]? {
  guard let directory = opendir(folder.isEmpty ? "." : folder) else { return nil }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names
}

/// All bytes of a file.
///
/// - Throws: kinds `missing` and `inputOutput`.
public func readFile(_ path: String) throws(FileError) -> [UInt8] {
  let file = try ReadableFile(path: path)
  return try file.read(0..<file.count)
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
