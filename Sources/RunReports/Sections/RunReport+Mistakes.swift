internal import Analysis
internal import Datasets
internal import Formatting
internal import Reports

extension RunReport {
  /// How many mistakes are shown.
  private static let galleryLimit = 200
  /// Pixels of them all, so that large images don't make a page of hundreds of megabytes.
  private static let pixelLimit = 4_000_000

  /// Pictures of the images that were read wrong.
  static func mistakes(_ test: ReportedRun.Test) -> ReportPage.Section {
    var section = ReportPage.Section("Mistakes", link: "Mistakes")
    let images = test.images
    let wrong = test.answers.mistakes
    let limit = min(galleryLimit, max(pixelLimit / images.shape.pixelCount, 1))
    section.paragraphs = [
      "\(Numbers.grouped(wrong.count)) of \(Numbers.grouped(test.answers.count)) test images, the most confident "
        + "mistakes first"
        + (wrong.count > limit ? "; the first \(limit) are shown." : ".")
        + " Truth → prediction, the probabilities of both, and the index in the test set."
    ]
    section.pictures = wrong.prefix(limit).map { answer in
      ReportPage.Picture(
        address: PNGImage.address(
          ofGrey: images.image(answer.index), width: images.columns, height: images.rows),
        lines: [
          "\(answer.truth) → \(answer.prediction)",
          "\(answer.prediction): \(Numbers.fixed(100 * answer.confidence, 1)) %",
          "\(answer.truth): \(Numbers.fixed(100 * answer.truthProbability, 1)) %", "#\(answer.index)",
        ])
    }
    return section
  }
}
