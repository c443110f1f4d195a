package import Digests
package import Files

/// A checkpoint that was read and found intact, and how checkpoints are read and written.
///
/// The format is safetensors, so NumPy and PyTorch read the tensors. Two metadata keys belong to the file:
/// `format`, and `digest`, the SHA-256 of the whole file with the digest's own 64 digits replaced by zeros.
/// Reading a checkpoint verifies it. The bytes are canonical: the same contents give the same file.
package struct CheckpointFile: Hashable, Sendable {
  /// The format's name; the number changes with the meaning of a file.
  package static let format = "lockstep-1"
  /// A larger file is refused before memory is allocated for it: 16 GiB.
  package static let maximumByteCount = 1 << 34

  /// The most data that a file may hold: some room is left for the header.
  package static let maximumDataByteCount = maximumByteCount - (1 << 24)

  /// The path it was read from.
  package let path: String
  /// Tensors and metadata.
  package let contents: CheckpointContents
  /// The content digest.
  package let digest: SHA256Digest
  /// The size of the file.
  package let byteCount: Int

  /// Reads and verifies the file at `path`.
  ///
  /// - Throws: kind `missing`, `malformed` or `inputOutput`.
  package init(reading path: String) throws(FileError) {
    let file = try ReadableFile(path: path)
    _ = try Self.header(of: file)
    try self.init(bytes: try file.read(0..<file.count), path: path)
  }

  /// Reads and verifies the file at `path`, and gives the SHA-256 of its bytes as they are: what `sha256sum` says.
  ///
  /// - Throws: kind `missing`, `malformed` or `inputOutput`.
  package static func readingWithDigest(
    _ path: String
  ) throws(FileError) -> (file: CheckpointFile, fileDigest: SHA256Digest) {
    let file = try ReadableFile(path: path)
    _ = try header(of: file)
    let bytes = try file.read(0..<file.count)
    return (try CheckpointFile(bytes: bytes, path: path), SHA256Digest(of: bytes))
  }

  /// Verifies the bytes of a file that has been read or received; `path` only names it in errors.
  ///
  /// - Throws: kind `malformed`.
  package init(bytes: [UInt8], path: String) throws(FileError) {
    do {
      let length = try SafeTensorsHeader.byteCount(bytes, fileByteCount: bytes.count)
      let dataStart = SafeTensorsHeader.prefixByteCount + length
      let header = try SafeTensorsHeader(
        json: Array(bytes[SafeTensorsHeader.prefixByteCount..<dataStart]),
        dataByteCount: bytes.count - dataStart)
      digest = try Self.verifiedDigest(of: bytes, header)
      var metadata = header.metadata
      metadata[SafeTensorsHeader.formatKey] = nil
      metadata[SafeTensorsHeader.digestKey] = nil
      contents = CheckpointContents(tensors: header.tensors, metadata: metadata, data: bytes[dataStart...])
    } catch {
      throw error.named(path)
    }
    self.path = path
    byteCount = bytes.count
  }

  /// Copies tensors into buffers: the inverse of writing with the same `tensors` and pieces.
  ///
  /// The buffers, one behind the other, are filled with the named tensors in the order given; each tensor
  /// lies in one of them.
  ///
  /// - Throws: kind `different` if one is not in the checkpoint, or is there in another shape; then no
  ///   buffer has been touched.
  /// - Precondition: the buffers' sizes are those of whole tensors, and sum up to all of them.
  package func restore(
    _ tensors: [TensorDescription], into pieces: [UnsafeMutableRawBufferPointer]
  ) throws(FileError) {
    var found: [CheckpointTensor] = []
    for tensor in tensors {
      guard let stored = contents[tensor.name] else {
        throw FileError(.different, "\(path): expected a tensor \(tensor.name), found none")
      }
      guard stored.description == tensor else {
        throw FileError(
          .different,
          "\(path): expected \(tensor.name) as \(tensor.elementType.rawValue) \(tensor.shape), "
            + "found \(stored.description.elementType.rawValue) \(stored.description.shape)")
      }
      found.append(stored)
    }
    var next = found[...]
    for piece in pieces {
      var rest = piece[...]
      while !rest.isEmpty, let tensor = next.popFirst() {
        precondition(tensor.bytes.count <= rest.count, "a buffer ends within \(tensor.description.name)")
        let target = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(tensor.bytes.count))
        tensor.bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        rest = rest.dropFirst(tensor.bytes.count)
      }
      precondition(rest.isEmpty, "the buffers are larger than the tensors")
    }
    precondition(next.allSatisfy { $0.bytes.isEmpty }, "the buffers are smaller than the tensors")
  }

  /// Writes a checkpoint to `path` at once or not at all, and waits until it is on disk.
  ///
  /// - Parameters:
  ///   - tensors: What the data are, in their order.
  ///   - metadata: Text by key; `format` and `digest` are added.
  ///   - pieces: The data, little-endian; one behind the other they are exactly the tensors' bytes. They are
  ///     written from where they lie.
  ///   - path: The file, in a folder that exists. A file already there is replaced, or stays as it is if
  ///     writing fails.
  /// - Returns: The content digest.
  /// - Throws: kind `notCreatable` or `inputOutput`.
  @discardableResult
  package static func write(
    tensors: [TensorDescription], metadata: [String: String], pieces: [UnsafeRawBufferPointer],
    to path: String
  ) throws(FileError) -> SHA256Digest {
    let (header, digest) = encodedHeader(tensors, metadata, pieces)
    let file = try PendingFile(path: path)
    try file.append(header.bytes)
    for piece in pieces { try file.append(piece) }
    try file.commit()
    return digest
  }

  /// Writes `contents` to `path` at once or not at all, and waits until they are on disk.
  ///
  /// - Returns: The content digest.
  /// - Throws: kind `notCreatable` or `inputOutput`.
  @discardableResult
  package static func write(
    _ contents: CheckpointContents, to path: String
  ) throws(FileError) -> SHA256Digest {
    try contents.data.withUnsafeBufferPointer { data throws(FileError) in
      try write(
        tensors: contents.tensors, metadata: contents.metadata, pieces: [UnsafeRawBufferPointer(data)],
        to: path)
    }
  }

  /// The bytes of the file that holds `contents`.
  package static func bytes(of contents: CheckpointContents) -> [UInt8] {
    contents.data.withUnsafeBytes { data in
      encodedHeader(contents.tensors, contents.metadata, [data]).header.bytes + data
    }
  }

  /// Reads the header of the file at `path`: enough to know what it claims to be and that it has the size
  /// for it, not whether its data are intact.
  static func header(of file: borrowing ReadableFile) throws(FileError) -> SafeTensorsHeader {
    guard file.count <= maximumByteCount else {
      throw FileError(
        .malformed, "\(file.path): expected at most \(maximumByteCount) bytes, found \(file.count)")
    }
    let prefix = try file.read(0..<min(file.count, SafeTensorsHeader.prefixByteCount))
    let dataStart: Int
    do {
      dataStart =
        SafeTensorsHeader.prefixByteCount
        + (try SafeTensorsHeader.byteCount(prefix, fileByteCount: file.count))
    } catch {
      throw error.named(file.path)
    }
    let json = try file.read(SafeTensorsHeader.prefixByteCount..<dataStart)
    do {
      return try SafeTensorsHeader(json: json, dataByteCount: file.count - dataStart)
    } catch {
      throw error.named(file.path)
    }
  }

  private static func encodedHeader(
    _ tensors: [TensorDescription], _ metadata: [String: String], _ pieces: [UnsafeRawBufferPointer]
  ) -> (header: EncodedHeader, digest: SHA256Digest) {
    let expected = tensors.reduce(0) { $0 + $1.byteCount }
    let found = pieces.reduce(0) { $0 + $1.count }
    precondition(expected == found, "tensors of \(expected) bytes, data of \(found)")
    var header = EncodedHeader(tensors: tensors, metadata: metadata, format: format)
    var hasher = SHA256Hasher()
    hasher.update(header.bytes)
    for piece in pieces { hasher.update(piece) }
    let digest = hasher.finish()
    header.insert(digest: digest.description)
    return (header, digest)
  }

  private static func verifiedDigest(
    of bytes: [UInt8], _ header: SafeTensorsHeader
  ) throws(FormatProblem) -> SHA256Digest {
    let found = header.metadata[SafeTensorsHeader.formatKey]
    guard found == format else {
      throw FormatProblem(
        "expected the metadata to name the format \(quoted(format)), found \(found.map(quoted) ?? "none")")
    }
    guard let range = header.digestRange, let stated = header.metadata[SafeTensorsHeader.digestKey] else {
      throw FormatProblem("expected a digest of 64 digits in the metadata, found none")
    }
    var hasher = SHA256Hasher()
    bytes.withUnsafeBytes { bytes in
      hasher.update(UnsafeRawBufferPointer(rebasing: bytes[..<range.lowerBound]))
      hasher.update(Array(repeating: UInt8(ascii: "0"), count: range.count))
      hasher.update(UnsafeRawBufferPointer(rebasing: bytes[range.upperBound...]))
    }
    let digest = hasher.finish()
    guard digest.description == stated else {
      throw FormatProblem("its content does not match its digest: expected \(stated), found \(digest)")
    }
    return digest
  }
}
