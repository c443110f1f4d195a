import Datasets
import Foundation
import LockstepPhotographs
import Photographs
import TestSupport
import Testing

@Suite struct DigitReaderTests {
  /// A page of drawn digits as a JPEG file, and what it says.
  private func page() throws -> (file: [UInt8], digits: [[Int]]) {
    let digits = try Dataset(synthetic: SyntheticDigits(seed: 3), trainCount: 1, testCount: 300).read(.test)
    let page = PageComposer(digits: digits, seed: 9).page(0, .clean)
    return (page.picture.jpeg(quality: 92), page.rows.map { $0.map { Int($0.digit) } })
  }

  @Test func aPageIsReadFromAFileAndFromMemory() throws {
    let (file, digits) = try page()
    let scratch = try Scratch()
    let reader = try DigitReader()
    let reading = try reader.read(path: scratch.write("page.jpg", file))
    #expect(reading.rows.count == digits.count)
    let right = zip(reading.rows, digits).reduce(0) { sum, pair in
      sum + zip(pair.0, pair.1).count { $0.digit == $1 }
    }
    #expect(right * 10 >= digits.joined().count * 8, "\(reading.lines), \(digits)")
    #expect(reading.lines.map(\.count) == reading.rows.map(\.count) && !reading.isIncomplete)
    #expect(try reader.read(file) == reading)
    #expect(reader.modelDigest.count == 64)
  }

  @Test func eachDigitHasItsPlaceAndItsDoubts() throws {
    let (file, _) = try page()
    let reading = try DigitReader().read(file)
    for row in reading.rows {
      #expect(row.map(\.box.x) == row.map(\.box.x).sorted())
      for digit in row {
        #expect(digit.probabilities.count == 10 && digit.image.count == 784)
        #expect(abs(digit.probabilities.reduce(0, +) + digit.noDigitProbability - 1) < 1e-4)
        let order = digit.probabilities.indices.sorted { digit.probabilities[$0] > digit.probabilities[$1] }
        #expect(order[0] == digit.digit && digit.runnerUpProbability == digit.probabilities[order[1]])
        let (box, corners) = (digit.box, digit.corners)
        #expect(corners.count == 4 && corners.map(\.x).min() == box.x && corners.map(\.y).min() == box.y)
        #expect(box.x + box.width <= Float(reading.width) && box.y + box.height <= Float(reading.height))
      }
    }
  }

  @Test func paperWithoutDigitsHasNoRows() throws {
    let white = Array("P5 60 40 255\n".utf8) + [UInt8](repeating: 250, count: 2400)
    let reading = try DigitReader().read(white)
    #expect(reading.rows.isEmpty && reading.rejectedCount == 0 && reading.width == 60 && reading.height == 40)
  }

  @Test func modelsOfTheUserRead() throws {
    let scratch = try Scratch()
    let path = try scratch.write("reader.safetensors", ReaderModel.file)
    let (own, shipped) = (try DigitReader(modelPath: path), try DigitReader())
    #expect(own.modelDigest == shipped.modelDigest)
    let file = try page().file
    #expect(try own.read(file) == shipped.read(file))
  }

  @Test func whatCannotBeReadIsSaid() throws {
    let scratch = try Scratch()
    let reader = try DigitReader()
    func kind(_ body: () throws -> Void) -> DigitReaderError? {
      #expect(throws: DigitReaderError.self) { try body() }
    }
    let missing = kind { _ = try reader.read(path: scratch("none.jpg")) }
    #expect(missing?.kind == .missing && missing?.description.contains("none.jpg: cannot be read") == true)
    let text = try scratch.write("text", Array("hello".utf8))
    let unknown = kind { _ = try reader.read(path: text) }
    #expect(unknown?.kind == .unknownPicture && unknown?.description.hasPrefix(text) == true)
    let cut = kind { _ = try reader.read(Array(try page().file.prefix(300)), name: "cut") }
    #expect(cut?.kind == .damagedPicture && cut?.description.hasPrefix("cut: ") == true)
    let large = kind { _ = try reader.read(Array("P5 20000 20000 255\n".utf8)) }
    #expect(large?.kind == .tooLarge)
    let noModel = kind { _ = try DigitReader(modelPath: text) }
    #expect(noModel?.kind == .unusableModel && noModel?.description.hasPrefix(text) == true)
    #expect(kind { _ = try DigitReader(modelPath: scratch("none")) }?.kind == .missing)
  }
}
