package import Files

/// One of the files that make up a published dataset.
package struct PublishedFile: Hashable, Sendable {
  /// Its name on disk; mirrors append `.gz`.
  package let name: String
  /// Its length in bytes when decompressed.
  package let count: Int
  /// SHA-256 of the decompressed bytes, in 64 lower-case hexadecimal digits.
  package let digest: String

  /// Describes a file.
  package init(name: String, count: Int, digest: String) {
    self.name = name
    self.count = count
    self.digest = digest
  }

  /// The MNIST database (LeCun, Cortes, Burges), with the digests of the original files.
  package static let mnist: [PublishedFile] = [
    PublishedFile(
      name: "train-images-idx3-ubyte", count: 47_040_016,
      digest: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    PublishedFile(
      name: "train-labels-idx1-ubyte", count: 60_008,
      digest: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    PublishedFile(
      name: "t10k-images-idx3-ubyte", count: 7_840_016,
      digest: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    PublishedFile(
      name: "t10k-labels-idx1-ubyte", count: 10_008,
      digest: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
  ]

  /// Whether the file at `path`, plain or gzip-compressed, has exactly this content; throws what is wrong.
  ///
  /// - Throws: `malformed` with the digests or lengths expected and found, `missing` if it cannot be read.
  package func verify(_ path: String) throws(FileError) {
    var stream = try ByteStream(path: path)
    var check = ContentCheck(self, path)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let got = try stream.read(into: buffer)
      if got == 0 { break }
      try check.take(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
    }
    try check.finish()
  }
}
