internal import Files
internal import SystemPackage

/// Moves the file at `path` out of the way, to `path.wrong`, and returns that name.
///
/// - Throws: kind `inputOutput`.
func setAside(_ path: String) throws(FileError) -> String {
  let other = path + ".wrong"
  do {
    try FilePath(path).move(to: FilePath(other))
  } catch {
    throw FileError(.inputOutput, "\(path): cannot be moved to \(other): \(error)")
  }
  return other
}
