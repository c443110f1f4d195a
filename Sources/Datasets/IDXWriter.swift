package import Files

/// Writes an IDX file of bytes, as MNIST's are: a header, then the elements, which may come in pieces.
package struct IDXWriter {
  private let file: PendingFile
  private let count: Int
  private var written = 0

  /// Begins a file of unsigned bytes of the given dimensions.
  ///
  /// - Throws: kind `notCreatable` or `inputOutput`.
  package init(path: String, dimensions: [Int]) throws(FileError) {
    file = try PendingFile(path: path)
    count = dimensions.reduce(1, *)
    var header: [UInt8] = [0, 0, 8, UInt8(dimensions.count)]
    for dimension in dimensions {
      for shift in [24, 16, 8, 0] { header.append(UInt8(truncatingIfNeeded: dimension >> shift)) }
    }
    try file.append(header)
  }

  /// Appends elements.
  ///
  /// - Throws: kind `inputOutput`.
  package mutating func append(_ elements: [UInt8]) throws(FileError) {
    try file.append(elements)
    written += elements.count
  }

  /// Gives the file its name.
  ///
  /// - Throws: kind `inputOutput`.
  /// - Precondition: all elements have been appended.
  package func commit() throws(FileError) {
    precondition(written == count, "\(written) of \(count) elements")
    try file.commit()
  }
}
