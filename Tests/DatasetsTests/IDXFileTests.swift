import Datasets
import Files
import Foundation
import TestSupport
import Testing

@Suite struct IDXFileTests {
  @Test func plainAndCompressedFilesGiveTheSameSamplesForEveryRange() throws {
    let scratch = try Scratch()
    let pixels = SyntheticDigits(seed: 1).draw(.train, 0..<23).images
    let bytes = idx([23, 28, 28], pixels)
    let plain = try IDXFile(path: scratch.write("a", bytes), dimensionCount: 3)
    let compressed = try IDXFile(path: scratch.write("b.gz", gzip(bytes)), dimensionCount: 3)
    #expect(plain.dimensions == [23, 28, 28] && plain.sampleBytes == 784)
    #expect(plain.hasRandomAccess && !compressed.hasRandomAccess)
    for start in 0...23 {
      for end in start...23 {
        let expected = Array(pixels[784 * start..<784 * end])
        #expect(try plain.read(start..<end) == expected, "\(start)..<\(end)")
        #expect(try compressed.read(start..<end) == expected, "\(start)..<\(end)")
      }
    }
  }

  @Test func severalGzipMembersInARowAreOneFile() throws {
    let scratch = try Scratch()
    let bytes = idx([9], [0, 1, 2, 3, 4, 5, 6, 7, 8])
    let path = try scratch.write("a.gz", gzip(Array(bytes[..<7])) + gzip([]) + gzip(Array(bytes[7...])))
    #expect(try IDXFile(path: path, dimensionCount: 1).read(0..<9) == Array(bytes[8...]))
  }

  @Test func thePlainFileIsPreferred() throws {
    let scratch = try Scratch()
    #expect(IDXFile.locate("x", in: scratch.path) == nil)
    try scratch.write("x.gz", [])
    #expect(IDXFile.locate("x", in: scratch.path) == scratch("x.gz"))
    try scratch.write("x", [])
    #expect(IDXFile.locate("x", in: scratch.path) == scratch("x"))
  }

  @Test func aWrongHeaderIsReportedWithWhatWasExpectedAndFound() throws {
    let scratch = try Scratch()
    let cases: [([UInt8], String)] = [
      (
        idx([1], [3]),
        "expected the IDX magic number 0x00000803 (unsigned bytes in 3 dimensions), found 0x00000801"
      ),
      (
        idx([1, 1, 1], [0], magic: 0xD03),
        "expected the IDX magic number 0x00000803 (unsigned bytes in 3 dimensions), found 0x00000d03"
      ),
      ([], "expected an IDX header of 16 bytes, found only 0 bytes"),
      ([0, 0, 8, 3, 0], "expected an IDX header of 16 bytes, found only 5 bytes"),
      (
        idx([2, 2, 3], [UInt8](repeating: 0, count: 11)),
        "expected 28 bytes for 2 × 2 × 3 samples and the header, found 27"
      ),
      (
        idx([2, 2, 3], [UInt8](repeating: 0, count: 1013)),
        "expected 28 bytes for 2 × 2 × 3 samples and the header, found 1,029"
      ),
      (idx([0, 28, 28], []), "expected plausible dimensions, found 0 × 28 × 28"),
      (idx([5, 0, 28], []), "expected plausible dimensions, found 5 × 0 × 28"),
    ]
    for (i, (bytes, expected)) in cases.enumerated() {
      let path = try scratch.write("\(i)", bytes)
      let error = failure { _ = try IDXFile(path: path, dimensionCount: 3) }
      #expect(error == FileError(.malformed, "\(path): \(expected)"))
    }
    #expect(FileError(.malformed, "").exitCode == 65)
  }

  @Test func hugeDimensionsAreRefusedWithoutAllocatingThem() throws {
    let scratch = try Scratch()
    let most = Int(UInt32.max)
    for dimensions in [[most, 28, 28], [most, most, most], [1 << 31, 1 << 31, 4], [1, most, most]] {
      let bytes = idx(dimensions, [1, 2, 3])
      for path in [try scratch.write("a", bytes), try scratch.write("a.gz", gzip(bytes))] {
        let error = failure { _ = try IDXFile(path: path, dimensionCount: 3) }
        #expect(error?.kind == .malformed, "\(dimensions)")
      }
    }
  }

  @Test func compressedFilesAreCheckedToTheirEnd() throws {
    let scratch = try Scratch()
    let bytes = idx([100], [UInt8](repeating: 7, count: 100))
    func read(_ compressed: [UInt8], _ range: Range<Int>) throws -> FileError? {
      let path = try scratch.write("a.gz", compressed)
      return failure { _ = try IDXFile(path: path, dimensionCount: 1).read(range) }
    }
    let good = try gzip(bytes)
    let path = scratch("a.gz")
    #expect(try read(good, 0..<100) == nil)

    #expect(
      try read(gzip(Array(bytes.dropLast())), 0..<100)
        == FileError(
          .malformed,
          "\(path): expected 108 decompressed bytes for 100 samples and the header, found 107"))
    #expect(
      try read(gzip(bytes + [1]), 50..<100)
        == FileError(
          .malformed,
          "\(path): expected 108 decompressed bytes for 100 samples and the header, found more"))
    #expect(
      try read(Array(good.dropLast(3)), 99..<100)
        == FileError(
          .malformed,
          "\(path): expected a complete gzip file, found that it ends after \(good.count - 3) bytes in the "
            + "middle of its data"))
    var wrongSum = good
    wrongSum[good.count - 8] ^= 1
    #expect(
      try read(wrongSum, 99..<100)
        == FileError(
          .malformed,
          "\(path): expected intact gzip data, found damage: incorrect data check"))
    #expect(try read(good + [0, 0, 7], 0..<100)?.kind == .malformed)
    // Who does not read the end is not told about it.
    #expect(try read(wrongSum, 0..<99) == nil)
  }

  @Test func filesThatCannotBeOpenedAreMissing() throws {
    let scratch = try Scratch()
    let error = failure { _ = try IDXFile(path: scratch("none"), dimensionCount: 1) }
    #expect(
      error
        == FileError(.missing, "\(scratch("none")): cannot be read: No such file or directory"))
    #expect(error?.exitCode == 66)
    #expect(failure { _ = try IDXFile(path: scratch.path, dimensionCount: 1) }?.kind == .missing)
    // Opening a pipe that nobody writes into must not wait.
    #expect(mkfifo(scratch("pipe"), 0o600) == 0)
    #expect(failure { _ = try IDXFile(path: scratch("pipe"), dimensionCount: 1) }?.kind == .missing)
  }

  @Test func aFileThatChangesAfterOpeningIsNoticed() throws {
    let scratch = try Scratch()
    let path = try scratch.write("a", idx([3], [1, 2, 3]))
    let file = try IDXFile(path: path, dimensionCount: 1)
    try scratch.write("a", idx([4], [1, 2, 3, 4]))
    #expect(failure { _ = try file.read(0..<3) }?.kind == .malformed)
    try scratch.write("a", idx([3], [1, 2]))
    #expect(failure { _ = try file.read(0..<1) }?.kind == .malformed)
  }
}
