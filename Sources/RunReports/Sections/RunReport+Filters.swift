internal import Reports

extension RunReport {
  /// A convolution's filters as pictures of one scale.
  static func pictures(of layer: ReportedRun.Filters) -> ReportPage.Section {
    let title = "The first layer's filters"
    var section = ReportPage.Section(title, link: title)
    let largest = layer.filters.flatMap { $0 }.map(abs).max() ?? 0
    section.paragraphs = ["White adds to a filter's answer, black takes away, grey is 0; one scale for all."]
    section.pictures = layer.filters.enumerated().map { index, filter in
      let pixels = filter.map { UInt8(clamping: Int((127.5 + 127.5 * $0 / max(largest, 1e-12)).rounded())) }
      return ReportPage.Picture(
        address: PNGImage.address(ofGrey: pixels, width: layer.width, height: layer.height),
        lines: ["\(index + 1)"])
    }
    return section
  }
}
