import CZlib
import Datasets
import Files
import Foundation

/// IDX files, plain: as images where the first byte is even, else as labels.
func idxFormat() throws -> FuzzedFormat {
  let file = try InputFile("data")
  let digits = SyntheticDigits(seed: 5).draw(.train, 0..<2)
  return FuzzedFormat(
    name: "idx", longestInput: 2048,
    seeds: [
      [0] + idx([2, 28, 28], digits.images), [1] + idx([2], digits.storedLabels(width: 1)),
      [0] + idx([3, 1, 2], [1, 2, 3, 4, 5, 6]),
    ],
    words: ["\0\0\u{8}\u{3}", "\0\0\u{8}\u{1}"]
  ) { bytes in
    guard let kind = bytes.first else { return }
    file.write(Array(bytes.dropFirst()))
    readIDX(file.path, dimensionCount: kind % 2 == 0 ? 3 : 1)
  }
}

/// Gzip streams: the input as it is where its first byte is even; where it is odd, compressed here first, so that its
/// checksums are right. IDX files of labels inside.
func gzipFormat() throws -> FuzzedFormat {
  let file = try InputFile("data.gz")
  let labels = idx([5], [1, 2, 3, 4, 5])
  let stream = gzipped(labels)
  return FuzzedFormat(
    name: "gzip", longestInput: 2048,
    seeds: [
      [0] + stream, [0] + stream + [0, 0, 0], [1] + labels,
      [0] + gzipped(Array(labels[..<6])) + gzipped(Array(labels[6...])),
      [1] + idx([600], [UInt8](repeating: 7, count: 600)),
    ],
    words: ["\u{1F}", "\0\0\u{8}\u{1}"]
  ) { bytes in
    guard let kind = bytes.first else { return }
    let stream = kind % 2 == 0 ? Array(bytes.dropFirst()) : gzipped(Array(bytes.dropFirst()))
    file.write(stream)
    readIDX(file.path, dimensionCount: 1)
    let whole = decoded([stream[...]])
    let middle = stream.count * Int(kind) / 256
    agree(
      decoded([stream[..<middle], stream[middle...]]) == whole, "a download in two pieces is another one")
  }
}

/// Reads all of a file, and its last sample on its own.
private func readIDX(_ path: String, dimensionCount: Int) {
  do throws(FileError) {
    let file = try IDXFile(path: path, dimensionCount: dimensionCount)
    let all = try file.read(0..<file.count)
    agree(all.count == file.count * file.sampleBytes, "\(all.count) bytes of \(file.dimensions)")
    let last = try file.read(file.count - 1..<file.count)
    agree(all.suffix(file.sampleBytes) == last[...], "the last sample depends on what was read before")
  } catch {
    agree(error.description.hasPrefix(path), error.description)
  }
}

/// What a download of these pieces brings; nil where it is refused.
private func decoded(_ pieces: [ArraySlice<UInt8>]) -> [UInt8]? {
  var decoder = DownloadDecoder(origin: "mirror")
  var bytes: [UInt8] = []
  do throws(FileError) {
    for piece in pieces {
      try piece.withUnsafeBufferPointer { piece throws(FileError) in
        try decoder.decode(UnsafeRawBufferPointer(piece)) { bytes.append(contentsOf: $0) }
      }
    }
    try decoder.finish { bytes.append(contentsOf: $0) }
    return bytes
  } catch {
    return nil
  }
}

private func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
  let words = [0x800 + dimensions.count] + dimensions
  return words.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } } + elements
}

/// One member of a gzip file, at zlib's quickest level.
private func gzipped(_ bytes: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  let size = Int32(MemoryLayout<z_stream>.size)
  agree(
    deflateInit2_(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK,
    "zlib refuses to start")
  defer { deflateEnd(&stream) }
  var source = bytes
  var target = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
  let count = target.count
  source.withUnsafeMutableBufferPointer { source in
    target.withUnsafeMutableBufferPointer { target in
      (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
      (stream.next_out, stream.avail_out) = (target.baseAddress, UInt32(count))
      agree(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib does not come to an end")
    }
  }
  return Array(target.prefix(Int(stream.total_out)))
}
