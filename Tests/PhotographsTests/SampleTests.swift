import Datasets
import Photographs
import Testing

/// Samples that the reader's network learns from.
struct SampleTests {
  @Test func samplesAreFunctionsOfSeedAndNumber() throws {
    let digits = try Dataset(synthetic: SyntheticDigits(seed: 1), trainCount: 1, testCount: 300).read(.test)
    let samples = ReaderSamples(digits: digits, drawn: nil, seed: 7, part: .learning)
    var classes = [Int](repeating: 0, count: 13)
    for index in 0..<300 {
      let sample = samples.sample(index)
      #expect(sample.image.count == 784 && sample.image.contains { $0 > 128 })
      classes[Int(sample.label)] += 1
    }
    #expect(classes.allSatisfy { $0 > 5 } && classes[10] > 25 && classes[10] < 90, "\(classes)")
    #expect(samples.sample(17).image == samples.sample(17).image)
    let others = ReaderSamples(digits: digits, drawn: nil, seed: 8, part: .learning)
    #expect((0..<5).contains { others.sample($0).image != samples.sample($0).image })
  }

  /// What MNIST would have made of it: in the middle, 20 pixels at most, strokes of one width.
  @Test func preparedDigitsHaveMNISTsForm() {
    var preparation = DigitPreparation()
    for (width, height, thickness) in [(10, 200, 10), (200, 30, 4), (60, 90, 25), (30, 30, 2)] {
      // A frame, or a bar where there is no room for one.
      var ink = [Float](repeating: 0, count: width * height)
      for y in 0..<height {
        for x in 0..<width
        where min(x, width - 1 - x) < thickness || min(y, height - 1 - y) < thickness {
          ink[y * width + x] = 1
        }
      }
      let image = preparation.prepare(ink, width: width, height: height)
      guard let image else {
        Issue.record("no digit")
        continue
      }
      var (mass, x, y): (Double, Double, Double) = (0, 0, 0)
      var (left, right, top, bottom) = (28, -1, 28, -1)
      for i in 0..<784 {
        let value = Double(image[i])
        mass += value
        x += value * (Double(i % 28) + 0.5)
        y += value * (Double(i / 28) + 0.5)
        if value > 127 {
          (left, right, top, bottom) = (
            min(left, i % 28), max(right, i % 28), min(top, i / 28), max(bottom, i / 28)
          )
        }
      }
      #expect(abs(x / mass - 14) < 0.3 && abs(y / mass - 14) < 0.3)
      #expect((19...21).contains(max(right - left, bottom - top) + 1))
    }
    #expect(preparation.prepare([0, 0, 0, 0], width: 2, height: 2) == nil)
  }
}
