internal import Formatting
internal import Runs

extension RunComparison {
  /// Where the runs part, for people; `names` are what they are called.
  package func text(_ names: (String, String)) -> String {
    var lines = settings.map { "\($0.name): \($0.first ?? "none") | \($0.second ?? "none")" }
    let last = (parting?.step ?? common.upperBound + 1) - 1
    if last >= common.lowerBound { lines.append("\(Self.steps(common.lowerBound...last)) the same") }
    if lastSteps.first != lastSteps.second {
      lines.append(
        "\(names.0) has come to step \(Numbers.grouped(lastSteps.first)), \(names.1) to step "
          + Numbers.grouped(lastSteps.second))
    }
    guard let parting else { return lines.joined(separator: "\n") }
    let what =
      if parting.first.gradient == parting.second.gradient {
        "the gradients are the same, and what the update makes of them is not"
      } else {
        "the gradients differ"
      }
    lines.append("step \(Numbers.grouped(parting.step)) is where they part: \(what)")
    lines.append(parting.cause.text(names))
    return lines.joined(separator: "\n")
  }

  private static func steps(_ range: ClosedRange<Int>) -> String {
    range.count == 1
      ? "step \(Numbers.grouped(range.lowerBound)) is"
      : "steps \(Numbers.grouped(range.lowerBound)) to \(Numbers.grouped(range.upperBound)) are"
  }
}

extension RunComparison.Cause {
  fileprivate func text(_ names: (String, String)) -> String {
    switch self {
    case .conditions(let place, let values):
      return "re-executed as each was run: \(place.text) \(values.text)"
    case .fault(let inSecond, let fault):
      let (wrong, right) = inSecond ? (names.1, names.0) : (names.0, names.1)
      let verdict =
        "re-executed, the step comes out as in \(right): that of \(wrong) was not computed as its recipe says"
      guard let fault else { return verdict + ", in more than one value" }
      return verdict + "\n" + fault.text
    case .neither:
      return "re-executed, the step comes out as in neither of them, and the same for both recipes"
    case .unknown(let sentence): return "the step cannot be re-executed here: \(sentence)"
    }
  }
}

extension RunComparison.Place {
  fileprivate var text: String {
    switch self {
    case .initialWeights(let tensor): "the weights that they begin with, first of \(tensor):"
    case .samples(let microBatch): "in micro-batch \(microBatch), the samples:"
    case .output(let microBatch, let layer): "in micro-batch \(microBatch), the output of \(layer):"
    case .loss(let microBatch): "in micro-batch \(microBatch), the loss and the counts behind it:"
    case .gradient(let microBatch, let tensor): "in micro-batch \(microBatch), the gradient of \(tensor):"
    case .update(let tensor): "all gradients are the same; after the update, first of \(tensor):"
    }
  }
}

extension RunComparison.Values {
  fileprivate var text: String {
    "\(Numbers.grouped(differing)) of \(Numbers.grouped(count)) values differ, by up to \(Float(maximum))"
  }
}

extension RunComparison.Fault {
  fileprivate var text: String {
    let place = "\(tensor)[\(index.map(String.init).joined(separator: ","))]"
    var sentence =
      "one value is wrong, \(isInGradient ? "of the gradient" : "of the parameters after the update"): \(place) was "
      + "\(found) instead of \(expected)"
    // A bit of the fraction changes the sum by a power of two, and so do bits of other micro-batches.
    let microBatches = Set(flips.map(\.microBatch))
    if flips.count > 4 {
      sentence += ", as if a bit of it had been flipped in one of \(microBatches.count) micro-batches"
    } else if let first = flips.first {
      sentence += ", as if bit \(first.bit) of it had been flipped in micro-batch \(first.microBatch)"
      sentence += flips.dropFirst().map { ", or bit \($0.bit) in micro-batch \($0.microBatch)" }.joined()
    }
    return sentence
  }
}
