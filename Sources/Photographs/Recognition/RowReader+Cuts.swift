internal import Foundation

/// Digits that touch.
extension RowReader {
  /// Two digits that touch are at least so wide, and what is cut anew at most, in heights of their row.
  private static let leastPair: Float = 0.6
  private static let mostChain: Float = 5
  /// What is as sure is not cut anew.
  private static let sure: Float = 0.9

  /// Tries all cuts on ink that is wide enough for two digits, and of which something is no digit, or none for sure.
  func cutAnew(_ readings: [StripReading], _ strip: RowStrip, _ costs: ReadingCosts) -> [StripReading] {
    guard recognizer.classCount > ReadingClass.digitCount else { return readings }
    var result = readings
    var tried: Set<Int32> = []
    for doubtful in readings where !doubtful.isDigit || doubtful.confidence < Self.sure {
      guard tried.isDisjoint(with: doubtful.components) else { continue }
      // All that hangs together with it.
      var components = doubtful.components
      while let more = result.first(where: {
        !$0.components.isDisjoint(with: components) && !$0.components.isSubset(of: components)
      }) {
        components.formUnion(more.components)
      }
      tried.formUnion(components)
      let old = result.filter { !$0.components.isDisjoint(with: components) }
      let (left, right) = (old.map(\.left).min() ?? 0, old.map(\.right).max() ?? 0)
      guard (Self.leastPair...Self.mostChain).contains(right - left), old.contains(where: { $0.height > 0.5 })
      else { continue }
      let new = bestCut(components, strip, costs)
      guard new.reduce(0, { $0 + $1.score }) > old.reduce(0, { $0 + $1.score }), !new.isEmpty else {
        continue
      }
      result.removeAll { !$0.components.isDisjoint(with: components) }
      result += new
    }
    return result.sorted { $0.left < $1.left }
  }

  /// The best way through all cuts of some connected ink.
  private func bestCut(_ components: Set<Int32>, _ strip: RowStrip, _ costs: ReadingCosts) -> [StripReading] {
    let graph = CutGraph(strip, labels: components)
    var preparation = DigitPreparation()
    var parts: [(part: CutGraph.Part, image: [UInt8])] = []
    for part in graph.parts {
      let image = image(
        of: 1...1, in: part.members, at: (part.box.left, part.box.top), part.box, area: part.area,
        contrastSum: part.contrastSum, strip, &preparation)
      if let image { parts.append((part, image)) }
    }
    guard !parts.isEmpty else { return [] }
    let probabilities = recognizer.probabilities(of: parts.flatMap(\.image), count: parts.count)
    let classes = recognizer.classCount
    let last = graph.cutCount + 1
    func values(_ index: Int) -> [Float] { Array(probabilities[index * classes..<(index + 1) * classes]) }
    let whole = parts.firstIndex { $0.part.first == 0 && $0.part.last == last }
    let foreign = whole.map { values($0)[ReadingClass.other.rawValue] } ?? 0
    let cut = costs.cut + costs.cutOther * foreign
    var path = ReadingPath(to: last)
    // Cuts are numbered from left to right.
    for (index, (part, _)) in parts.enumerated().sorted(by: { $0.element.part.first < $1.element.part.first })
    {
      let gains = gains(values(index), part.box, costs)
      let paid = part.first > 0 ? cut : 0
      path.offer(
        index, from: part.first, to: part.last, asDigit: gains.asDigit - paid, asJunk: gains.asJunk - paid)
    }
    return path.steps.compactMap { step in
      guard let index = step.candidate else { return nil }
      return reading(
        parts[index].image, values(index), parts[index].part.box, components, step, strip, costs)
    }
  }
}
