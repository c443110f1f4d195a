/// Writes a file as a whole: whoever reads it meanwhile, or after a crash, finds the old text or the new one.
///
/// - Throws: kinds `notCreatable` and `inputOutput`.
package func writeFile(_ text: String, to path: String) throws(FileError) {
  let file = try PendingFile(path: path)
  try file.append(Array(text.utf8))
  try file.commit()
}
