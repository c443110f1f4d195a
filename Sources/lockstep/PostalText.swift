import Analysis
import Datasets
import Files
import Foundation
import Jobs
import Reports
import Synchronization
import Training

extension PostalFigures {
  /// The figures in words and tables.
  func text(currency: String) -> String {
    func percent(_ share: Double, _ places: Int = 2) -> String { Numbers.fixed(100 * share, places) + " %" }
    func money(_ value: Double) -> String { Numbers.grouped(Int(value.rounded())) + " " + currency }
    func letters(_ share: Double) -> String { Numbers.grouped(Int((office.letters * share).rounded())) }
    var lines: [String] = []
    if let digitsRead, let digitsRight {
      lines.append(
        "digits read right     \(percent(digitAccuracy))  (\(Numbers.grouped(digitsRight)) of "
          + "\(Numbers.grouped(digitsRead)))")
    } else {
      lines.append("digits read right     \(percent(digitAccuracy))")
    }
    let interval = codeAccuracyInterval.map { "  (95 %: \(percent($0[0])) to \(percent($0[1])))" } ?? ""
    lines.append("codes of \(office.digits) right      \(percent(codeAccuracy))\(interval)")
    lines.append("")
    lines.append(
      "Of \(letters(1)) letters a year, \(letters(1 - codeAccuracy)) are not read right. That costs")
    lines.append(
      "  \(money(costIfNoticed)) if all are noticed and read by a person, at \(Numbers.fixed(office.manualCost, 2)) each; "
        + "0.1 % more digits right save \(money(worthOfATenthIfNoticed))")
    lines.append(
      "  \(money(costIfMisrouted)) if all are sent wrong, at \(Numbers.fixed(office.misrouteCost, 2)) each; "
        + "0.1 % more digits right save \(money(worthOfATenthIfMisrouted))")
    if !mistakes.isEmpty {
      let list = mistakes.map {
        "\($0.truth) as \($0.prediction) (\(Numbers.grouped(Int($0.lettersPerYear.rounded()))))"
      }
      lines.append("Most of them: \(list.joined(separator: ", "))")
    }
    lines.append("")
    if let reject {
      let chosen = reject.chosen
      lines.append(
        "Letters whose least certain digit is below \(Numbers.fixed(100 * chosen.threshold, 1)) % go to a person "
          + "(cheapest on the validation split):")
      lines.append(
        "  \(letters(chosen.manualShare)) letters are read by a person, \(letters(chosen.misroutedShare)) are sent "
          + "wrong, \(money(chosen.cost)) a year: \(saving(money, chosen.cost))")
      lines.append("")
      var table = TextTable([
        ("digits rejected", .right), ("threshold", .right), ("digits right", .right), ("codes right", .right),
        ("by a person", .right), ("sent wrong", .right), ("\(currency) a year", .right),
      ])
      for point in reject.atRejectRates {
        table.append([
          percent(1 - point.digitsAccepted), percent(point.threshold), percent(point.digitAccuracy, 3),
          percent(point.acceptedCodeAccuracy, 3), letters(point.manualShare), letters(point.misroutedShare),
          Numbers.grouped(Int(point.cost.rounded())),
        ])
      }
      lines.append(table.text)
      lines.append(
        "Calibration: temperature \(Numbers.fixed(reject.temperature, 3)), fitted on the validation split; expected "
          + "error \(percent(reject.calibrationErrorBefore, 3)) before, \(percent(reject.calibrationErrorAfter, 3)) "
          + "after")
    } else if digitsRead != nil {
      lines.append(
        "No threshold for rejection: this model's run had no validation split to choose it on (--validation)."
      )
    }
    if let throughput {
      let perCentre = PostalThroughput.centrePerHour / 3600
      let perPeak = PostalThroughput.peakPerDay / 86400
      func times(_ rate: Double, _ need: Double) -> String { Numbers.grouped(Int(rate / need)) }
      lines.append(
        "Throughput: \(Numbers.grouped(Int(throughput.oneCore))) codes/s on one core, "
          + "\(Numbers.grouped(Int(throughput.allCores))) on \(throughput.cores); one core reads "
          + "\(times(throughput.oneCore, perCentre)) times the 50,000 parcels an hour of a large logistics centre, and "
          + "\(times(throughput.oneCore, perPeak)) times 11 million on a peak day (digits that are cut out already)"
      )
    }
    while lines.last == "" { lines.removeLast() }
    return lines.joined(separator: "\n") + "\n"
  }

  private func saving(_ money: (Double) -> String, _ cost: Double) -> String {
    let saved = costIfMisrouted - cost
    return saved > 0.5 ? "\(money(saved)) less than without" : "no less than without"
  }
}

extension PostalThroughput {
  /// Has copies of a model read `images` over and over, for half a second on one core and then on all.
  static func measured(model: String, digits: Int, images: LabelledImages) throws -> PostalThroughput {
    let cores = ProcessorSet().cores
    let one = try imagesPerSecond(model: model, images, threads: 1)
    let all = cores > 1 ? try imagesPerSecond(model: model, images, threads: cores) : one
    return PostalThroughput(oneCore: one / Double(digits), allCores: all / Double(digits), cores: cores)
  }

  private static func imagesPerSecond(
    model: String, _ images: LabelledImages, threads: Int
  ) throws -> Double {
    let paths = try (0..<threads).map { _ in Reader(model: try TrainedModel(path: model)) }
    let total = Mutex(0)
    let start = MonotonicClock.now()
    DispatchQueue.concurrentPerform(iterations: threads) { index in
      var count = 0
      while MonotonicClock.now() - start < 0.5 {
        _ = paths[index].model.logits(images)
        count += images.count
      }
      total.withLock { $0 += count }
    }
    return Double(total.withLock { $0 }) / (MonotonicClock.now() - start)
  }

  /// A model that one thread alone uses.
  private struct Reader: @unchecked Sendable {
    let model: TrainedModel
  }
}
