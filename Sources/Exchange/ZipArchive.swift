internal import CMinizip
internal import Checkpoints
package import Files
internal import Foundation

/// Zip archives, such as NumPy's .npz, by minizip.
package enum ZipArchive {
  /// What an archive holds.
  package struct Entry {
    package var name: String
    package var bytes: [UInt8]
  }

  /// The bytes of an archive whose entries are stored as they are. Nothing in it depends on the time.
  ///
  /// - Throws: kind `inputOutput` if the temporary folder has no room.
  package static func bytes(of entries: [Entry]) throws(FileError) -> [UInt8] {
    // minizip writes files; this one is nobody's until it is whole.
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-\(UUID().uuidString).zip").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func check(_ code: Int32) throws(FileError) {
      guard code == ZIP_OK else {
        throw FileError(.inputOutput, "\(path): the archive cannot be written (minizip's code \(code))")
      }
    }
    guard let archive = zipOpen64(path, APPEND_STATUS_CREATE) else {
      throw FileError(.inputOutput, "\(path): the archive cannot be written")
    }
    do throws(FileError) {
      for entry in entries {
        var info = zip_fileinfo()
        // 1 January 1980, the first day that zip knows.
        info.dosDate = 0x0021_0000
        let isLarge: Int32 = entry.bytes.count >= 0xFFFF_FFFF ? 1 : 0
        try check(zipOpenNewFileInZip64(archive, entry.name, &info, nil, 0, nil, 0, nil, 0, 0, isLarge))
        for start in stride(from: 0, to: entry.bytes.count, by: 1 << 30) {
          let piece = entry.bytes[start..<min(start + 1 << 30, entry.bytes.count)]
          try check(piece.withUnsafeBytes { zipWriteInFileInZip(archive, $0.baseAddress, UInt32($0.count)) })
        }
        try check(zipCloseFileInZip(archive))
      }
    } catch {
      zipClose(archive, nil)
      throw error
    }
    try check(zipClose(archive, nil))
    return try readFile(path)
  }

  /// The names of the entries of the archive at `path`, in their order.
  ///
  /// - Throws: kind `malformed`.
  static func names(in path: String) throws(FileError) -> [String] {
    var names: [String] = []
    try visit(path) { (name, _) throws(FileError) in names.append(name) }
    return names
  }

  /// The entries of the archive at `path`, whose checksums are right.
  ///
  /// - Throws: kind `malformed`.
  package static func read(_ path: String) throws(FileError) -> [Entry] {
    var entries: [Entry] = []
    var total = 0
    try visit(path) { (name, archive) throws(FileError) in
      guard unzOpenCurrentFile(archive) == UNZ_OK else {
        throw FileError(.malformed, "\(path): the entry \(name) cannot be read")
      }
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = unzReadCurrentFile(archive, &piece, UInt32(piece.count))
        guard count > 0 else {
          guard count == 0, unzCloseCurrentFile(archive) == UNZ_OK else {
            throw FileError(.malformed, "\(path): the entry \(name) is damaged")
          }
          break
        }
        bytes += piece[..<Int(count)]
        total += Int(count)
        guard total <= CheckpointFile.maximumByteCount else {
          throw FileError(
            .malformed, "\(path): expected at most \(CheckpointFile.maximumByteCount) bytes, found more")
        }
      }
      entries.append(Entry(name: name, bytes: bytes))
    }
    return entries
  }

  private static func visit(
    _ path: String, _ body: (_ name: String, _ archive: unzFile) throws(FileError) -> Void
  ) throws(FileError) {
    guard let archive = unzOpen64(path) else {
      throw FileError(.malformed, "\(path): expected a zip archive, found one that is cut or damaged")
    }
    defer { unzClose(archive) }
    var code = unzGoToFirstFile(archive)
    while code == UNZ_OK {
      var info = unz_file_info64()
      var name = [CChar](repeating: 0, count: 4096)
      let length = UInt(name.count - 1)
      guard unzGetCurrentFileInfo64(archive, &info, &name, length, nil, 0, nil, 0) == UNZ_OK else {
        throw FileError(.malformed, "\(path): its list of entries is damaged")
      }
      let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      try body(String(decoding: bytes, as: UTF8.self), archive)
      code = unzGoToNextFile(archive)
    }
    guard code == UNZ_END_OF_LIST_OF_FILE else {
      throw FileError(.malformed, "\(path): its list of entries is damaged")
    }
  }
}
