package import Files

/// A safetensors file that is no checkpoint: tensors on their way from or to other programs, without a digest.
package struct SafeTensorsFile: Hashable, Sendable {
  /// The path it was read from.
  package let path: String
  /// The tensors, and the metadata but for `format`.
  package let contents: CheckpointContents
  /// What the metadata call the format: `pt` in files of PyTorch; nil where they do not say.
  package let format: String?

  /// Whether it is a checkpoint after all.
  package var isCheckpoint: Bool { format == CheckpointFile.format }

  /// Reads the file at `path`.
  ///
  /// - Throws: kind `missing`, `malformed` or `inputOutput`.
  package init(reading path: String) throws(FileError) {
    let file = try ReadableFile(path: path)
    let header = try CheckpointFile.header(of: file)
    let data = try file.read(file.count - header.dataByteCount..<file.count)
    guard data.count == header.dataByteCount else {
      throw FileError(
        .malformed,
        "\(path): expected \(header.dataByteCount) bytes behind its header, found \(data.count)")
    }
    var metadata = header.metadata
    format = metadata.removeValue(forKey: SafeTensorsHeader.formatKey)
    metadata[SafeTensorsHeader.digestKey] = nil
    contents = CheckpointContents(tensors: header.tensors, metadata: metadata, data: data[...])
    self.path = path
  }

  /// The bytes of a file that holds `tensors`, whose `data` follow one another, for programs that look for `format`.
  ///
  /// - Precondition: names differ, and `data` has exactly the bytes that the tensors need.
  package static func bytes(
    tensors: [TensorDescription], metadata: [String: String], format: String, data: [UInt8]
  ) -> [UInt8] {
    let contents = CheckpointContents(tensors: tensors, metadata: metadata, data: data[...])
    let metadata = contents.metadata.merging([SafeTensorsHeader.formatKey: format]) { $1 }
    return EncodedHeader(tensors: tensors, metadata: metadata).bytes + data
  }
}
