internal import Files

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Moves the file at `path` out of the way, to `path.wrong`, and returns that name.
///
/// - Throws: kind `inputOutput`.
func setAside(_ path: String) throws(DatasetError) -> String {
  let other = path + ".wrong"
  guard rename(path, other) == 0 else {
    throw DatasetError(.inputOutput, "\(path): cannot be moved to \(other): \(systemMessage(errno))")
  }
  return other
}
