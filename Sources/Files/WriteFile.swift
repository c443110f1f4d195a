/// Writes a file as a whole: whoever reads it meanwhile, or after a crash, finds the old content or the new one.
///
/// - Throws: kinds `notCreatable` and `inputOutput`.
package func writeFile(_ bytes: some Sequence<UInt8>, to path: String) throws(FileError) {
  let file = try PendingFile(path: path)
  try file.append(Array(bytes))
  try file.commit()
}
