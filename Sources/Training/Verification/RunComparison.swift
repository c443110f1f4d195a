internal import Collectives
package import Datasets
internal import Files
internal import Foundation
internal import Model
package import Runs
internal import Tensors

/// Where two runs part that should be equal, and why.
package struct RunComparison: Sendable {
  /// A setting that the runs do not have in common, as text; nil where a run has none.
  package struct Setting: Hashable, Sendable {
    package var name: String
    package var first: String?
    package var second: String?

    package init(name: String, first: String?, second: String?) {
      (self.name, self.first, self.second) = (name, first, second)
    }
  }

  /// Values of a tensor that differ between two computations.
  package struct Values: Hashable, Sendable {
    package var differing: Int
    package var count: Int
    /// The largest difference; infinite where one is not a number.
    package var maximum: Double

    /// nil where all have the same bits.
    init?(_ first: Span<Float>, _ second: Span<Float>) {
      (differing, maximum) = (first.count == second.count ? 0 : max(first.count, second.count), 0)
      count = max(first.count, second.count)
      for index in 0..<min(first.count, second.count)
      where first[index].bitPattern != second[index].bitPattern {
        if first.count == second.count { differing += 1 }
        let distance = abs(Double(first[index]) - Double(second[index]))
        maximum = max(maximum, distance.isNaN ? .infinity : distance)
      }
      if differing == 0 { return nil }
    }
  }

  /// Where in a step two computations of it part.
  package enum Place: Hashable, Sendable {
    /// The weights that the runs begin with.
    case initialWeights(tensor: String)
    /// Micro-batches count from 1.
    case samples(microBatch: Int)
    case output(microBatch: Int, layer: String)
    case loss(microBatch: Int)
    case gradient(microBatch: Int, tensor: String)
    case update(tensor: String)
  }

  /// Why the step's digests differ.
  package enum Cause: Hashable, Sendable {
    /// Re-executed as each run's conditions say, the step comes out differently, first here.
    case conditions(Place, Values)
    /// Re-executed, it comes out as one run has it and not as the other: that one was not computed as its recipe says.
    case fault(inSecond: Bool, Fault?)
    /// It comes out as neither run has it.
    case neither
    /// It cannot be re-executed here: a sentence.
    case unknown(String)
  }

  /// What was computed wrong, where it is one value.
  package struct Fault: Hashable, Sendable {
    /// Whether it is a value of the gradient, or else one of the updated parameters.
    package var isInGradient: Bool
    package var tensor: String
    /// The place in the tensor, an index for each of its extents.
    package var index: [Int]
    package var expected: Float
    package var found: Float
    /// Flips of one bit in one micro-batch's gradient that explain it; micro-batches count from 1.
    package var flips: [Flip] = []

    package struct Flip: Hashable, Sendable {
      package var microBatch: Int
      package var bit: Int
    }
  }

  /// The first step that differs.
  package struct Parting: Sendable {
    package var step: Int
    package var first: StepDigest
    package var second: StepDigest
    package var cause: Cause
  }

  /// The steps that both have.
  package var common: ClosedRange<Int>
  /// The last steps of both.
  package var lastSteps: (first: Int, second: Int)
  /// What differs in the conditions of the step where they part, or of the last one.
  package var settings: [Setting]
  /// nil where all common steps are the same.
  package var parting: Parting?
}

/// Compares two runs, and re-executes the first step that differs, on this rank alone and as each run's conditions say.
///
/// `checkpoints` are files to begin with besides those in the folders, `initialModel` the model that the runs began with.
///
/// - Throws: `RunError` with exit code 66 or 65 if one is no run with a receipt, or if they have no step in common.
package func compareRuns(
  _ first: RunFolder, _ second: RunFolder, checkpoints: [String] = [], initialModel: String? = nil,
  openDataset: (_ name: String?) throws -> Dataset, notice: (String) -> Void
) throws -> RunComparison {
  let runs = try [first, second].map { folder in
    try VerifiedRun(folder, checkpoints: checkpoints) { $0.initialModel == nil || initialModel != nil }
  }
  let (one, other) = (runs[0].receipt, runs[1].receipt)
  let (start, end) = (max(one.firstStep, other.firstStep) + 1, min(one.lastStep, other.lastStep))
  guard start <= end else {
    throw RunError(
      "\(first.path) and \(second.path) have no step in common: one has the steps \(one.firstStep + 1) to "
        + "\(one.lastStep), the other \(other.firstStep + 1) to \(other.lastStep)", exitCode: 65)
  }
  let step = (start...end).first { one[step: $0] != other[step: $0] }
  var comparison = RunComparison(
    common: start...end, lastSteps: (one.lastStep, other.lastStep),
    settings: RunComparison.settings(
      one.segment(ofStep: step ?? end).conditions, other.segment(ofStep: step ?? end).conditions))
  guard let step, let a = one[step: step], let b = other[step: step] else { return comparison }
  let inspection = StepInspection(runs, step: step, initialModel: initialModel)
  let cause = try inspection.cause(openDataset, notice: notice)
  comparison.parting = RunComparison.Parting(step: step, first: a, second: b, cause: cause)
  return comparison
}

extension RunComparison {
  /// What differs between two steps' conditions: the recipes' settings by their keys, data, products, reduction.
  static func settings(_ first: Receipt.Conditions, _ second: Receipt.Conditions) -> [Setting] {
    let (one, other) = (flattened(first.recipe), flattened(second.recipe))
    let keys = Set(one.keys).union(other.keys).sorted()
    var settings = keys.filter { one[$0] != other[$0] }.map {
      Setting(name: $0, first: one[$0], second: other[$0])
    }
    for (name, a, b) in [
      ("dataset", first.dataset, second.dataset), ("products", first.products, second.products),
      ("reduction", first.reduction, second.reduction),
    ] where a != b {
      settings.append(Setting(name: name, first: a, second: b))
    }
    return settings
  }

  /// A JSON object's values as text, by their keys joined with points.
  private static func flattened(_ json: String) -> [String: String] {
    var values: [String: String] = [:]
    func add(_ value: Any, _ key: String) {
      if let object = value as? [String: Any] {
        for (inner, value) in object { add(value, key.isEmpty ? inner : "\(key).\(inner)") }
      } else {
        values[key] = value as? String ?? "\(value)"
      }
    }
    if let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) { add(object, "") }
    return values
  }
}
