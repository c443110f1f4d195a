package import Analysis
internal import Formatting
internal import Reports

extension PostalFigures {
  /// The figures in words and tables; the last line ends with a line feed.
  package func text(currency: String) -> String {
    let text = PostalText(figures: self, currency: currency)
    return text.paragraphs.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }
}

/// The words for the figures of the postal business case.
private struct PostalText {
  let figures: PostalFigures
  let currency: String

  var paragraphs: [[String]] {
    let last = rates + throughput
    return [accuracy, costs, rejection, last].filter { !$0.isEmpty }
  }

  private func percent(_ share: Double, _ places: Int = 2) -> String {
    Numbers.fixed(100 * share, places) + " %"
  }

  private func money(_ value: Double) -> String { Numbers.grouped(value) + " " + currency }

  /// How many letters in a year a share of them is.
  private func letters(_ share: Double) -> String {
    Numbers.grouped(figures.office.letters * share)
  }

  private var accuracy: [String] {
    var digits = "digits read right     \(percent(figures.digitAccuracy))"
    if let read = figures.digitsRead, let right = figures.digitsRight {
      digits += "  (\(Numbers.grouped(right)) of \(Numbers.grouped(read)))"
    }
    let interval =
      figures.codeAccuracyInterval.map { "  (95 %: \(percent($0[0])) to \(percent($0[1])))" } ?? ""
    return [
      digits, "codes of \(figures.office.digits) right      \(percent(figures.codeAccuracy))\(interval)",
    ]
  }

  private var costs: [String] {
    let office = figures.office
    var lines = [
      "Of \(letters(1)) letters a year, \(letters(1 - figures.codeAccuracy)) are not read right. That costs",
      "  \(money(figures.costIfNoticed)) if all are noticed and read by a person, at "
        + "\(Numbers.fixed(office.manualCost, 2)) each; 0.1 % more digits right save "
        + money(figures.worthOfATenthIfNoticed),
      "  \(money(figures.costIfMisrouted)) if all are sent wrong, at \(Numbers.fixed(office.misrouteCost, 2)) each; "
        + "0.1 % more digits right save \(money(figures.worthOfATenthIfMisrouted))",
    ]
    if !figures.mistakes.isEmpty {
      let list = figures.mistakes.map {
        "\($0.truth) as \($0.prediction) (\(Numbers.grouped($0.lettersPerYear)))"
      }
      lines.append("Most of them: \(list.joined(separator: ", "))")
    }
    return lines
  }

  private var rejection: [String] {
    guard let chosen = figures.reject?.chosen else { return [] }
    let saved = figures.costIfMisrouted - chosen.cost
    return [
      "Letters whose least certain digit is below \(Numbers.fixed(100 * chosen.threshold, 1)) % go to a person "
        + "(cheapest on the validation split):",
      "  \(letters(chosen.manualShare)) letters are read by a person, \(letters(chosen.misroutedShare)) are sent "
        + "wrong, \(money(chosen.cost)) a year: "
        + (saved > 0.5 ? "\(money(saved)) less than without" : "no less than without"),
    ]
  }

  /// What happens at other thresholds, and how probabilities were calibrated; without a validation split, why neither
  /// is known.
  private var rates: [String] {
    guard let reject = figures.reject else {
      guard figures.digitsRead != nil else { return [] }
      return [
        "No threshold for rejection: this model's run had no validation split to choose it on (--validation)."
      ]
    }
    var table = TextTable([
      ("digits rejected", .right), ("threshold", .right), ("digits right", .right), ("codes right", .right),
      ("by a person", .right), ("sent wrong", .right), ("\(currency) a year", .right),
    ])
    for point in reject.atRejectRates {
      table.append([
        percent(1 - point.digitsAccepted), percent(point.threshold), percent(point.digitAccuracy, 3),
        percent(point.acceptedCodeAccuracy, 3), letters(point.manualShare), letters(point.misroutedShare),
        Numbers.grouped(point.cost),
      ])
    }
    return [
      table.text,
      "Calibration: temperature \(Numbers.fixed(reject.temperature, 3)), fitted on the validation split; expected "
        + "error \(percent(reject.calibrationErrorBefore, 3)) before, \(percent(reject.calibrationErrorAfter, 3)) "
        + "after",
    ]
  }

  private var throughput: [String] {
    guard let throughput = figures.throughput else { return [] }
    func times(_ perSecond: Double) -> String {
      Numbers.grouped((throughput.oneCore / perSecond).rounded(.down))
    }
    return [
      "Throughput: \(Numbers.grouped(throughput.oneCore.rounded(.down))) codes/s on one core, "
        + "\(Numbers.grouped(throughput.allCores.rounded(.down))) on \(throughput.cores); one core reads "
        + "\(times(PostalThroughput.centrePerHour / 3600)) times the 50,000 parcels an hour of a large logistics "
        + "centre, and \(times(PostalThroughput.peakPerDay / 86400)) times 11 million on a peak day (digits that are "
        + "cut out already)"
    ]
  }
}
