import Datasets
import Files
import Foundation
import TestSupport
import Testing

/// Sets of other shapes and classes than MNIST's: what their files say, and what is refused.
@Suite struct SampleFormatTests {
  /// Labels as an IDX file has them whose elements have `size` bytes; `columns` to a row, the label first.
  private func labelFile(_ labels: [Int], magic: UInt32, size: Int, columns: Int = 1) -> [UInt8] {
    let elements = labels.flatMap { label in
      (0..<columns).flatMap { column in
        let value = column == 0 ? label : 7
        return (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * (size - 1 - $0))) }
      }
    }
    return idx(columns > 1 ? [labels.count, columns] : [labels.count], elements, magic: magic)
  }

  /// Writes a set with these training labels, and the first of them as the test part's.
  private func write(
    _ scratch: Scratch, _ labels: [Int], height: Int = 3, width: Int = 5, magic: UInt32 = 0x801,
    size: Int = 1,
    columns: Int = 1, names: (train: String, test: String, labels: String) = ("train", "t10k", "idx1-ubyte")
  ) throws {
    for (prefix, labels) in [(names.train, labels), (names.test, Array(labels.prefix(2)))] {
      let pixels = (0..<labels.count * height * width).map { UInt8($0 % 251) }
      try scratch.write("\(prefix)-images-idx3-ubyte", idx([labels.count, height, width], pixels))
      try scratch.write(
        "\(prefix)-labels-\(names.labels)", labelFile(labels, magic: magic, size: size, columns: columns))
    }
  }

  @Test(arguments: [
    (UInt32(0x801), 1, 1), (0x901, 1, 1), (0xB01, 2, 1), (0xC01, 4, 1), (0xC02, 4, 8),
  ])
  func labelsOfAllWholeNumbersAreTheSame(_ magic: UInt32, _ size: Int, _ columns: Int) throws {
    let (scratch, plain) = (try Scratch(), try Scratch())
    let labels = [5, 0, 46, 1, 100]
    try write(plain, labels)
    try write(scratch, labels, magic: magic, size: size, columns: columns)
    let dataset = try Dataset(folder: scratch.path)
    #expect(try dataset.read(.train).labels == [5, 0, 46, 1, 100])
    #expect(try dataset.read(.train, 2..<4).labels == [46, 1])
    #expect(dataset.format == SampleFormat(shape: ImageShape(height: 3, width: 5), classCount: 101))
    #expect(try dataset.identity() == Dataset(folder: plain.path).identity())
    #expect(dataset.labelEvidence == "\(scratch("train-labels-idx1-ubyte")) has label 100 (sample 4)")
  }

  /// Two bytes of a label count where one is not enough.
  @Test func labelsBeyondAByteTellDatasetsApart() throws {
    let (a, b) = (try Scratch(), try Scratch())
    try write(a, [1, 299, 257], magic: 0xB01, size: 2)
    try write(b, [1, 299, 1], magic: 0xB01, size: 2)
    #expect(try Dataset(folder: a.path).read(.train).labels == [1, 299, 257])
    #expect(try Dataset(folder: a.path).format.labelBytes == 2)
    #expect(try Dataset(folder: a.path).identity() != Dataset(folder: b.path).identity())
  }

  @Test func lettersKeepTheirLabelsAndSayWhatIsUnused() throws {
    let scratch = try Scratch()
    let names = ("emnist-letters-train", "emnist-letters-test", "idx1-ubyte")
    try write(scratch, Array(1...26), height: 28, width: 28, names: names)
    let dataset = try Dataset(folder: scratch.path)
    #expect(dataset.format.classCount == 27 && dataset.remarks.count == 2)
    #expect(dataset.remarks[0].hasSuffix("has 27 classes, 0 to 26, and no training sample of class 0"))
    #expect(dataset.remarks[1].contains("EMNIST's by its files' names, which hold images transposed"))
  }

  @Test func ofSeveralDatasetsInAFolderOneIsNamed() throws {
    let scratch = try Scratch()
    try write(scratch, [0, 1, 2], names: ("emnist-digits-train", "emnist-digits-test", "idx1-ubyte"))
    try write(scratch, [1, 2, 3, 4], names: ("emnist-letters-train", "emnist-letters-test", "idx1-ubyte"))
    // One file more makes no third dataset.
    try scratch.write("qmnist-train-images-idx3-ubyte", [0])
    let error = failure { _ = try Dataset(folder: scratch.path) }
    #expect(
      error
        == FileError(
          .missing,
          "\(scratch.path): expected one dataset, found emnist-digits, emnist-letters: name one of them, e.g. "
            + scratch("emnist-letters")))
    let letters = try Dataset(folder: scratch("emnist-letters"))
    #expect(letters.name == "emnist-letters" && letters.trainCount == 4)
    #expect(try Dataset(folder: scratch("emnist-digits")).trainCount == 3)
    #expect(
      failure { _ = try Dataset(folder: scratch("emnist-balanced")) }
        == FileError(
          .missing, "\(scratch("emnist-balanced")): expected a folder with IDX files, found nothing"))
  }

  /// Whoever counts by class must not meet one more.
  @Test func labelsThatChangeAfterOpeningAreNoticed() throws {
    let scratch = try Scratch()
    try write(scratch, [3, 0, 1])
    let dataset = try Dataset(folder: scratch.path)
    try scratch.write("train-labels-idx1-ubyte", idx([3], [3, 0, 4]))
    let error = failure { _ = try dataset.read(.train) }
    #expect(
      error?.kind == .malformed && error == failure { try dataset.readInPieces(.train, of: 3) { _ in } })
    #expect(
      error?.description.hasSuffix("labels below 4, as when it was opened, found 4 for sample 2") == true)
  }

  @Test func whatIsNoSetOfLabelledImagesIsRefused() throws {
    let scratch = try Scratch()
    func sentence(_ write: () throws -> Void) throws -> String {
      try write()
      let error = failure { _ = try Dataset(folder: scratch.path) }
      #expect(error?.kind == .malformed)
      return error?.description ?? ""
    }
    let labels = scratch("train-labels-idx1-ubyte")
    #expect(
      try sentence { try self.write(scratch, [0, 1000], magic: 0xB01, size: 2) }
        == "\(labels): expected labels from 0 to 999, found 1000 for sample 1")
    #expect(
      try sentence { try self.write(scratch, [0, -3], magic: 0xC01, size: 4) }
        == "\(labels): expected labels from 0 to 999, found -3 for sample 1")
    #expect(
      try sentence { try self.write(scratch, [0, 1], magic: 0xC02, size: 4, columns: 10) }
        == "\(labels): expected labels in 1 dimension, or QMNIST's 8 columns, found 10 columns")
    // Floats; one-hot bytes.
    for (magic, found) in [(UInt32(0xD01), "0x00000d01"), (0x802, "0x00000802")] {
      #expect(
        try sentence {
          try self.write(scratch, [0, 1], magic: magic, size: 4, columns: magic == 0x802 ? 8 : 1)
        }
        .hasSuffix("found \(found)"))
    }
    #expect(
      try sentence { try self.write(scratch, [0, 1], height: 1025, width: 1) }
        == "\(scratch("train-images-idx3-ubyte")): expected images of at most 1024 × 1024 pixels, found 1025 × 1"
    )
  }
}
