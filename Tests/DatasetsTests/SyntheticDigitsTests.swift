import Datasets
import Digests
import Testing

@Suite struct SyntheticDigitsTests {
  /// The bits are part of the format of a run: whoever changes the drawing changes every synthetic dataset.
  @Test func theBitsAreFixed() {
    let samples = SyntheticDigits(seed: 1).draw(.train, 0..<100)
    #expect(
      SHA256Digest(of: samples.images).description
        == "9bfe87bd7e623bf1a20e9b7a17a78dd15cd229707cc7dc92f30aab939304a8d6")
    #expect(
      SHA256Digest(of: samples.storedLabels(width: 1)).description
        == "ff89182615750e061a76ea8341fcf78f5e696293f39f33cb0d9875547cdf3938")
  }

  @Test func aSampleDependsOnSeedSplitAndIndexOnly() {
    let digits = SyntheticDigits(seed: 3)
    let all = digits.draw(.train, 0..<40)
    for range in [0..<1, 17..<40, 39..<40, 5..<5] {
      let part = digits.draw(.train, range)
      #expect(part.labels == Array(all.labels[range]))
      #expect(part.images == Array(all.images[784 * range.lowerBound..<784 * range.upperBound]))
    }
    #expect(digits.draw(.test, 0..<40) != all)
    #expect(SyntheticDigits(seed: 4).draw(.train, 0..<40) != all)
    #expect(digits.draw(.train, 1_000_000_000..<1_000_000_001).count == 1)
  }

  @Test func digitsLookLikeThoseOfMNIST() {
    let samples = SyntheticDigits(seed: 2).draw(.train, 0..<5000)
    var ofClass = [Int](repeating: 0, count: 10)
    for label in samples.labels { ofClass[Int(label)] += 1 }
    #expect(ofClass.allSatisfy { (400...600).contains($0) }, "\(ofClass)")
    // MNIST: mean 33.3; 19 % of the pixels are not background.
    let mean = Double(samples.images.reduce(0) { $0 + Int($1) }) / Double(samples.images.count)
    #expect((29...37).contains(mean), "\(mean)")
    let inked = Double(samples.images.count { $0 > 0 }) / Double(samples.images.count)
    #expect((0.16...0.22).contains(inked), "\(inked)")
    for i in 0..<samples.count {
      let image = samples.images[784 * i..<784 * (i + 1)]
      #expect(image.contains { $0 > 150 }, "digit \(i) is empty")
    }
    // The ink keeps away from the border, but for outliers.
    let touching = (0..<samples.count).count { i in
      (0..<28).contains {
        samples.images[784 * i + $0] > 127 || samples.images[784 * i + 756 + $0] > 127
          || samples.images[784 * i + 28 * $0] > 127 || samples.images[784 * i + 28 * $0 + 27] > 127
      }
    }
    #expect(touching < 100, "\(touching)")
  }

  /// Digits must be a real test for a trainer: learnable, yet beyond a linear classifier.
  @Test func aLinearClassifierLearnsSomethingButStaysBelow95Percent() {
    let digits = SyntheticDigits(seed: 1)
    var classifier = SoftmaxRegression()
    classifier.train(on: digits.draw(.train, 0..<12_000), epochs: 3)
    let accuracy = classifier.accuracy(on: digits.draw(.test, 0..<3000))
    #expect((0.80..<0.95).contains(accuracy), "\(accuracy)")
  }
}
