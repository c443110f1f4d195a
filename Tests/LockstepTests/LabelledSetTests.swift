import Foundation
import Runs
import Testing

extension RealRanks {
  /// Sets of other shapes and numbers of classes than MNIST's, from files to reports.
  @Suite struct LabelledSetTests {
    private func run(_ words: [String], ranks: Int = 1) throws -> Command.Outcome {
      try ranks == 1
        ? Command(executable: Command.binary, arguments: words).run() : Command.ranks(ranks, words).run()
    }

    /// The counts in a result, whose form depends on how many classes there are.
    private func confusion(in result: [String: Any]) throws -> [[Int]] {
      let text = try JSONSerialization.data(withJSONObject: try #require(result["testConfusion"]))
      return try JSONDecoder().decode(ConfusionCounts.self, from: text).wrappedValue
    }

    private static let short = [
      "train", "--recipe", "mlp", "--validation", "100", "--steps", "40", "--checkpoint-every", "20",
      "--keep", "9",
    ]

    /// Pixels that no square has, classes that a byte does not hold, labels of one, two and four bytes.
    @Test(arguments: [
      LabelledSet(), LabelledSet(height: 8, width: 8, classes: 0..<300, trainCount: 1500, labelMagic: 0xB01),
    ])
    func otherSetsTrainToTheSameModel(_ set: LabelledSet) throws {
      let scratch = try ScratchFolder()
      let (data, classes) = (["--data", scratch("set")], set.classes.count)
      try set.write(to: scratch("set"))
      var digests: Set<String?> = []
      for ranks in [1, 2, 3] {
        let outcome = try run(Self.short + data + ["--run", scratch("\(ranks)")], ranks: ranks)
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(
          outcome.errors.contains(
            "has \(classes) classes: the network ends in dense \(classes) instead of dense 10"),
          "\(outcome.errors)")
        #expect(
          outcome.output.contains("images of \(set.height) × \(set.width) pixels in \(classes) classes"))
        digests.insert(finalDigest(scratch("\(ranks)")))
      }
      let resumed = try run(
        ["train", "--resume", scratch("1/checkpoints/step-000020.safetensors"), "--run", scratch("on")]
          + data,
        ranks: 2)
      #expect(resumed.code == 0, "\(resumed.errors)")
      digests.insert(finalDigest(scratch("on")))
      #expect(digests.count == 1 && digests.first != nil, "\(digests)")

      let confusion = try confusion(in: try result(scratch("1")))
      let right = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
      // Far better than chance: pictures and labels belong together.
      #expect(confusion.count == classes && right > 30 * set.trainCount / 5 / classes)
      let model = ["--model", scratch("2/final.safetensors")] + data
      let scores = try run(["evaluate", "--json"] + model, ranks: 2)
      let json = try JSONSerialization.jsonObject(with: Data(scores.output.utf8)) as? [String: Any]
      #expect(try self.confusion(in: try #require(json)) == confusion, "\(scores.errors)")
      #expect(try run(["evaluate"] + model).output.contains("Of \(classes) classes, the pairs"))
      let shown = try run(["predict", "3"] + model)
      #expect(shown.output.contains("test image 3: label 21, predicted"), "\(shown.output)\(shown.errors)")
      #expect(shown.output.contains("and \(classes - 20) classes less probable"))

      let page = try String(contentsOfFile: scratch("1/report.html"), encoding: .utf8)
      #expect(
        page.contains("There are \(classes) classes") && page.contains("The pairs that are confused most"))
      #expect(!page.contains("postal") && page.utf8.count < 3_000_000)
    }

    /// EMNIST's letters begin with 1, and QMNIST's labels are rows of a table.
    @Test func setsUnderTheirPublishedNamesAreRead() throws {
      let scratch = try ScratchFolder()
      try LabelledSet(
        height: 28, width: 28, classes: 1..<27, trainPrefix: "emnist-letters-train",
        testPrefix: "emnist-letters-test"
      ).write(to: scratch("letters"))
      try LabelledSet(
        height: 28, width: 28, classes: 0..<10, labelMagic: 0xC02, trainPrefix: "qmnist-train",
        testPrefix: "qmnist-test", labelForm: "idx2-int"
      ).write(to: scratch("qmnist"))
      let letters = try run(Self.short + ["--data", scratch("letters"), "--run", scratch("a")], ranks: 2)
      #expect(
        letters.code == 0 && letters.errors.contains("no training sample of class 0"), "\(letters.errors)")
      #expect(letters.errors.contains("transposed") && letters.errors.contains("ends in dense 27"))
      let confusion = try #require(try result(scratch("a"))["testConfusion"] as? [[Int]])
      #expect(
        confusion.count == 27 && confusion[0].allSatisfy { $0 == 0 } && confusion[26].contains { $0 > 0 })
      let digits = try run(Self.short + ["--data", scratch("qmnist"), "--run", scratch("b")], ranks: 2)
      // Like MNIST, nothing is said of it.
      #expect(digits.code == 0 && digits.errors == "", "\(digits.errors)")
      #expect(try result(scratch("b"))["testAccuracy"] as? Double ?? 0 > 50)
    }

    @Test func whatDoesNotFitIsExplained() throws {
      let scratch = try ScratchFolder()
      try LabelledSet(trainCount: 470).write(to: scratch("set"))
      let data = ["--data", scratch("set")]
      func expect(_ words: [String], _ code: Int32, _ sentences: String..., ranks: Int = 1) throws {
        let outcome = try run(words, ranks: ranks)
        #expect(outcome.code == code, "\(words): \(outcome.errors)")
        for sentence in sentences { #expect(outcome.errors.contains(sentence), "\(outcome.errors)") }
      }
      let train = Self.short + data + ["--run", scratch("run")]
      try expect(
        train + ["--network", "dense 10"], 64, "'dense 10', has features for labels 0 to 9, but",
        "/train-labels-idx1-ubyte has label 46 (sample", "let it end in dense 47", ranks: 2)
      try expect(
        train + ["--network", "maxpool 24; dense 47"], 64, "does not fit an input of 20×32×1")
      #expect(!FileManager.default.fileExists(atPath: scratch("run/final.safetensors")))
      try expect(
        train + ["--network", "dense 60", "--no-report"], 0,
        "47 classes, fewer than the network's last layer, dense 60, tells apart")
      let model = ["--model", scratch("run/final.safetensors")]
      let (own, other) = ("images of 20 × 32 pixels in 47 classes", "images of 28 × 28 pixels in 10 classes")
      for command in ["evaluate", "predict"] {
        try expect(
          [command, "--data", "synthetic:100"] + model + (command == "predict" ? ["0"] : []), 65,
          "was trained on \(own), the dataset synthetic:100:1 has \(other)")
      }
      try expect(
        [
          "train", "--resume", scratch("run/final.safetensors"), "--data", "synthetic:1000", "--run",
          scratch("b"),
        ],
        65, "it was written with \(own), the dataset synthetic:1000:1 has \(other)", ranks: 2)
      try expect(["postal"] + model + data, 65, "expected a model of the ten digits")

      try LabelledSet(height: 2, width: 9, classes: 0..<10, trainCount: 300).write(to: scratch("small"))
      try expect(
        Self.short + ["--shift", "2", "--data", scratch("small"), "--run", scratch("c")], 64,
        "'shift' (--shift) of 2 pixels leaves nothing of images of 2 × 9")
      // Rows shorter than a vector, and shifts as large as they may be.
      try expect(
        Self.short + ["--shift", "1", "--data", scratch("small"), "--run", scratch("c"), "--no-report"], 0)
    }
  }
}
