internal import Checkpoints
package import Collectives
package import Datasets
internal import Digests
internal import Files
internal import Formatting
internal import Foundation
internal import Model
package import Runs
internal import Tensors

/// What is to be verified of a run.
package struct VerificationRequest: Sendable {
  package var folder: RunFolder
  /// nil for all steps.
  package var steps: ClosedRange<Int>?
  /// So many steps, drawn at random; nil for all of them.
  package var sample: Int?
  /// The model that the run began with, if it did.
  package var initialModel: String?
  /// Checkpoints to begin with, besides those in the folder.
  package var checkpoints: [String] = []

  package init(folder: RunFolder) { self.folder = folder }
}

/// What came of re-executing steps of a run.
package struct Verification: Sendable {
  /// What was not as the run has it on record.
  package enum Difference: Sendable {
    case step(Int, recorded: StepDigest, found: StepDigest)
    /// The loss that `metrics.jsonl` has is not the one that its receipt stands for.
    case loss(step: Int, recorded: Double, found: Double)
    /// A checkpoint, and what of it: in words.
    case checkpoint(String)
  }

  /// The run's steps, as far as its receipt goes.
  package var total = 0
  /// Those that were re-executed.
  package var taken = 0
  /// Checkpoints that the state was compared with.
  package var checkpoints = 0
  package var seconds = 0.0
  package var ranks = 1
  package var plan: VerificationPlan
  /// The first one; nil where everything was the same.
  package var difference: Difference?
}

/// Re-executes steps of a run on the ranks of a communicator, and compares what they come to with the run's receipt. Called
/// by all ranks, of which the root needs the run's folder. Changes nothing there.
///
/// `openDataset` is given the name of the run's dataset, as far as it is known; `progress` is told, on the root, of the
/// steps that were taken.
///
/// - Throws: `RunError`, the same on all ranks: 66 or 65 if there is no run or no receipt, if the data are others, or if no
///   step can be re-executed; 64 for steps that the run does not have.
package func verify(
  _ request: VerificationRequest, over communicator: any Communicator,
  openDataset: @escaping (_ name: String?) throws -> Dataset, notice: (String) -> Void,
  progress: (_ taken: Int, _ planned: Int) -> Void = { _, _ in }
) throws -> Verification {
  let isRoot = communicator.rank == 0
  let run = try together(communicator) { isRoot ? try VerifiedRun(request) : nil }
  let name = try fromRoot(run.map { $0.dataset ?? "" }, over: communicator)
  let data = try TrialData(
    over: communicator, keepsTest: false, open: { try openDataset(name.isEmpty ? nil : name) }, notice: notice
  )
  let planned = try together(communicator) {
    try run.map { run in
      let plan = try run.plan(request, data: data, notice: notice)
      return ReplayOrder(
        plan: plan, segments: run.receipt.segments, total: run.receipt.lastStep,
        pauses: run.comparable.map(\.step))
    }
  }
  let order = try fromRoot(planned, over: communicator)
  let start = MonotonicClock.now()
  var result = Verification(plan: order.plan)
  (result.total, result.ranks) = (order.total, communicator.worldSize)
  let count = order.plan.pieces.reduce(0) { $0 + $1.end - $1.start.step }
  let replay = Replay(order.segments, on: data, over: communicator)
  /// Whether the root has found a difference.
  func hasParted() throws -> Bool {
    try communicator.allGather(numbers: [result.difference == nil ? 0 : 1])[0][0] > 0
  }
  pieces: for piece in order.plan.pieces {
    if replay.step != piece.start.step {
      try replay.begin(at: piece.start, initialModel: request.initialModel)
      result.difference = run?.difference(at: piece.start, replay.setup.state)
      if try hasParted() { break }
    }
    while let step = replay.step, step < piece.end {
      // All ranks hear of a difference, and the root looks at checkpoints, after so many steps.
      let pause = order.pauses.filter { $0 > step }.min() ?? Int.max
      let end = min(piece.end, step + 64, pause)
      while let step = replay.step, step < end {
        let outcome = try replay.takeStep()
        result.taken += 1
        if result.difference == nil { result.difference = run?.difference(step: step + 1, outcome) }
      }
      // Only the root knows of a difference so far, and all ranks make the same calls.
      if end == pause {
        let (state, isOver) = (replay.setup.state, result.difference != nil)
        let compare = run.map { run in
          { () -> (compared: Int, difference: Verification.Difference?)? in
            isOver ? nil : run.difference(of: state)
          }
        }
        if let found = try whileRootWorks(communicator, compare) ?? nil {
          result.checkpoints += found.compared
          result.difference = found.difference
        }
      }
      progress(result.taken, count)
      if try hasParted() { break pieces }
    }
  }
  try replay.finish()
  result.seconds = MonotonicClock.now() - start
  // Every rank ends with the root's exit code.
  if !isRoot, try fromRoot(nil as Bool?, over: communicator) { result.difference = .checkpoint("") }
  if isRoot { _ = try fromRoot(result.difference != nil, over: communicator) }
  return result
}

/// What all ranks do.
private struct ReplayOrder: Codable {
  var plan: VerificationPlan
  var segments: [Receipt.Segment]
  var total: Int
  /// Steps after which the root compares the state with a checkpoint.
  var pauses: [Int]
}

/// The root's value, on all ranks. Called by all of them.
private func fromRoot<Value: Codable>(_ own: Value?, over communicator: any Communicator) throws -> Value {
  let bytes = try communicator.allGather(Array(own.map { try JSONEncoder().encode([$0]) } ?? Data()))[0]
  let values = try JSONDecoder().decode([Value].self, from: Data(bytes))
  guard let value = values.first else { throw RunError("the root sent nothing", exitCode: 70) }
  return value
}

/// A run as it lies in its folder, for whoever takes its steps again.
struct VerifiedRun {
  let folder: RunFolder
  let receipt: Receipt
  /// Losses on record, by step; none where there is a receipt alone.
  private let losses: [Int: StepRecord]
  /// The dataset's name, where it is known.
  let dataset: String?
  /// Checkpoints by step.
  let starts: [ReplayStart]

  /// Reads a run's folder; `checkpoints` are files besides those in it.
  ///
  /// - Throws: `RunError`.
  init(_ folder: RunFolder, checkpoints: [String], canBegin: (Recipe) throws -> Bool) throws {
    self.folder = folder
    receipt = try Receipt(of: folder)
    let history = try? RunHistory(folder: folder)
    losses = Dictionary(
      (history?.steps ?? []).map { ($0.step, $0) }, uniquingKeysWith: { _, last in last })
    dataset = history?.launch?.dataset ?? history?.result?.dataset
    var starts = try CheckpointStore(folder: folder.checkpoints, keep: 1).list().map {
      ReplayStart(step: $0.step, file: $0.path)
    }
    for path in checkpoints {
      starts.append(ReplayStart(step: try SavedState(path: path).step(), file: path))
    }
    let first = receipt.segments[0].conditions.recipe
    let recipe: Recipe
    do throws(RecipeError) {
      recipe = try Recipe.parse(Data(first.utf8), origin: "the recipe in the receipt of \(folder.path)")
    } catch {
      throw RunError(error.description, exitCode: 65)
    }
    if receipt.firstStep == 0, try canBegin(recipe) { starts.append(ReplayStart(step: 0, file: nil)) }
    self.starts = starts
  }

  fileprivate init(_ request: VerificationRequest) throws {
    try self.init(request.folder, checkpoints: request.checkpoints) {
      $0.initialModel == nil || request.initialModel != nil
    }
  }

  /// Why steps under some conditions cannot be re-executed in this process on these data; nil if they can.
  static func obstacle(to conditions: Receipt.Conditions, data: TrialData?, products: String) -> String? {
    if conditions.reduction != ReductionKind.reproducible.rawValue {
      return
        "they were taken with --reduction \(conditions.reduction), whose bits depend on the number of ranks"
    }
    if conditions.products != products {
      return conditions.products == Products.definedIdentity
        ? "they were taken with products as defined: leave --products \(products.isEmpty ? "" : "openblas ")away"
        : "they were taken with the products of \(conditions.products) (--products openblas), whose bits depend on its "
          + "version and on the processor, and this process has "
          + (products == Products.definedIdentity ? "products as defined" : "those of \(products)")
    }
    if let data, conditions.dataset != data.facts.digest.description {
      return
        "they were trained on other data: expected a dataset with the digest \(conditions.dataset), found "
        + "\(data.facts.digest) (\(data.facts.name))"
    }
    return nil
  }

  fileprivate func plan(
    _ request: VerificationRequest, data: TrialData, notice: (String) -> Void
  ) throws -> VerificationPlan {
    let all = receipt.firstStep + 1...max(receipt.lastStep, receipt.firstStep + 1)
    guard !receipt.digests.isEmpty else {
      throw RunError("\(folder.path): the run has taken no step yet", exitCode: 65)
    }
    let steps = request.steps ?? all
    guard all.lowerBound <= steps.lowerBound, steps.upperBound <= all.upperBound else {
      throw RunError(
        "--steps \(steps.lowerBound)..\(steps.upperBound): the receipt of \(folder.path) has the steps \(all.lowerBound) "
          + "to \(all.upperBound)", exitCode: 64)
    }
    var starts = starts
    var generator = SystemRandomNumberGenerator()
    while true {
      let plan = VerificationPlan(
        receipt, steps: steps, sample: request.sample, starts: starts,
        obstacle: { Self.obstacle(to: $0, data: data, products: Products.shared.identity) },
        using: &generator)
      let unusable = plan.pieces.map(\.start).first { start in
        guard let reason = problem(of: start) else { return false }
        notice(reason)
        return true
      }
      guard let unusable else {
        guard !plan.pieces.isEmpty else {
          throw RunError("\(folder.path): \(plan.omissions.joined(separator: "; "))", exitCode: 65)
        }
        return plan
      }
      starts.removeAll { $0 == unusable }
    }
  }

  /// Why a start cannot be used, in a sentence; nil if it can.
  func problem(of start: ReplayStart) -> String? {
    guard let path = start.file else { return nil }
    do {
      let saved = try SavedState(path: path)
      let step = try saved.step()
      guard step == start.step else {
        return "\(path): expected the state after step \(start.step), found \(step)"
      }
      if let base = receipt.base, step == receipt.firstStep,
        saved.metadata[Receipt.linkKey] != base.description
      {
        return
          "\(path) is not the checkpoint that \(folder.path) goes on from: expected the link \(base), found "
          + "\(saved.metadata[Receipt.linkKey] ?? "none")"
      }
      return nil
    } catch {
      return "skipping \(RunError(error).description)"
    }
  }

  /// Files that the state at their steps can be compared with: checkpoints, and the model at the end.
  var comparable: [ReplayStart] {
    let files = starts.filter { $0.file != nil && $0.step > receipt.firstStep }
    let hasFinal = FileManager.default.fileExists(atPath: folder.final)
    return files + (hasFinal ? [ReplayStart(step: receipt.lastStep, file: folder.final)] : [])
  }

  /// What differs in a state that was read from a checkpoint, as far as the receipt tells.
  fileprivate func difference(at start: ReplayStart, _ state: TrainingState) -> Verification.Difference? {
    let parameters = state.parameters
    guard let path = start.file, let digest = receipt[step: start.step],
      NHHash.hash(parameters.span) != digest.parameters
    else { return nil }
    return .checkpoint("\(path): its parameters are not those that the receipt has after step \(start.step)")
  }

  /// What differs in a step that was taken again.
  fileprivate func difference(step: Int, _ outcome: StepOutcome) -> Verification.Difference? {
    guard let recorded = receipt[step: step], let found = outcome.digest else { return nil }
    guard recorded == found else { return .step(step, recorded: recorded, found: found) }
    if let record = losses[step], record.loss.bitPattern != outcome.loss.bitPattern {
      return .loss(step: step, recorded: record.loss, found: outcome.loss)
    }
    return nil
  }

  /// Compares a state with the files of its step; the best weights, which validation chooses, are left out.
  fileprivate func difference(
    of state: TrainingState
  ) -> (compared: Int, difference: Verification.Difference?) {
    var compared = 0
    for file in comparable where file.step == state.cursor.step {
      guard let path = file.file, let contents = try? CheckpointFile(reading: path).contents,
        contents.metadata["step"] == "\(file.step)"
      else { continue }
      for (prefix, values) in state.buffers where prefix != "best" {
        for tensor in state.layout.tensors {
          let name = "\(prefix).\(tensor.name)"
          let bytes = values.bytes[4 * tensor.range.lowerBound..<4 * tensor.range.upperBound]
          guard let stored = contents[name], stored.bytes.elementsEqual(bytes) else {
            return (compared, .checkpoint("\(path): \(name) is not what the steps lead to"))
          }
        }
      }
      compared += 1
    }
    return (compared, nil)
  }
}
