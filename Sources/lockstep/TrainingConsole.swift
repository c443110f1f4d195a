import Datasets
import Files
import Formatting
import Foundation
import Model
import Reports
import RunReports
import Runs
import Training

/// Tells a person how a run goes: a progress bar on a terminal, one line per epoch on a pipe.
final class TrainingConsole: TrainingObserver {
  /// How much to tell.
  enum Detail {
    case quiet
    case normal
    case verbose
  }

  private let detail: Detail
  private let terminal: Terminal?
  /// The words of the options that the run had before, and that were not given anew.
  private let inherited: [String]
  private var lastDrawing = 0.0
  private var isLineOpen = false
  private var firstStep = 0

  init(detail: Detail, terminal: Terminal?, inherited: [String] = []) {
    self.detail = detail
    self.inherited = inherited
    self.terminal = terminal
  }

  func runWillStart(_ start: RunStart) {
    firstStep = start.firstStep
    guard detail != .quiet else { return }
    let recipe = start.recipe
    print(
      "\(start.dataset.name): \(Numbers.grouped(start.trainCount)) training, "
        + "\(Numbers.grouped(recipe.validation)) validation, \(Numbers.grouped(start.dataset.testCount)) test "
        + "images" + (start.dataset.format == .mnist ? "" : ": \(start.dataset.format)"))
    if start.dataset.isSynthetic {
      print("note: these digits are drawn by Lockstep; accuracy on them is not MNIST's")
    }
    let changes = recipe.changes.isEmpty ? "" : " (\(recipe.changes.joined(separator: ", ")))"
    print("recipe \(recipe.title)\(changes): \(recipe.json())")
    if let model = recipe.initialModel { print("begins with the model whose SHA-256 is \(model)") }
    print("network: \(Numbers.grouped(start.parameterCount)) parameters")
    print(
      "\(start.ranks) \(start.ranks == 1 ? "rank" : "ranks"), \(Numbers.grouped(start.totalSteps)) steps, "
        + "\(Numbers.grouped(start.stepsPerEpoch)) to an epoch, global batch \(recipe.globalBatch) in "
        + "micro-batches of \(recipe.microBatch)")
    if start.firstStep > 0 { print("resumed after step \(Numbers.grouped(start.firstStep))") }
    if !inherited.isEmpty { print("with \(inherited.joined(separator: " ")), as this run had it") }
    if detail == .verbose {
      for (rank, binding) in start.bindings.enumerated() {
        print("rank \(rank): \(binding)")
      }
    }
    flush()
  }

  func didStep(_ progress: StepProgress) {
    guard detail != .quiet, let terminal else { return }
    let now = MonotonicClock.now()
    guard now - lastDrawing > 0.1 else { return }
    lastDrawing = now
    let left =
      Double(progress.totalSteps - progress.record.step) * progress.record.seconds.total
    let line = ProgressLine(
      epoch: progress.record.epoch, epochs: progress.epochs, step: progress.record.step,
      totalSteps: progress.totalSteps, loss: progress.record.loss, accuracy: progress.record.accuracy,
      imagesPerSecond: progress.imagesPerSecond, secondsLeft: left)
    Console.write("\r\u{1B}[2K" + line.text(columns: terminal.columns))
    isLineOpen = true
  }

  func didFinishEpoch(_ record: EpochRecord, of epochs: Int) {
    guard detail != .quiet else { return }
    closeLine()
    print(record.line(of: epochs))
    flush()
  }

  func notice(_ sentence: String) {
    closeLine()
    Console.notice(sentence)
  }

  /// Where the time went, in microseconds per image.
  func show(_ profile: Profile) {
    closeLine()
    var phases = TextTable([("phase", .left), ("µs/image", .right), ("share %", .right)])
    for (name, seconds) in profile.phases.named {
      phases.append([
        name, Numbers.fixed(profile.microsecondsPerImage(seconds), 2),
        Numbers.fixed(100 * seconds / max(profile.phases.total, 1e-9), 1),
      ])
    }
    var layers = TextTable([
      ("layer", .left), ("forward µs/image", .right), ("backward", .right), ("products", .right),
    ])
    for layer in profile.layers {
      layers.append([
        layer.name, Numbers.fixed(profile.microsecondsPerImage(layer.forward), 2),
        Numbers.fixed(profile.microsecondsPerImage(layer.backward), 2),
        layer.products > 0 ? Numbers.fixed(profile.microsecondsPerImage(layer.products), 2) : "",
      ])
    }
    print("\n\(phases.text)\n\(layers.text)")
  }

  /// The end of a finished run.
  func show(_ result: RunResult, folder: RunFolder) {
    closeLine()
    print(
      "test accuracy \(Numbers.fixed(result.testAccuracy, 2)) % (\(result.testErrors) errors)  "
        + "\(Numbers.grouped(result.imagesPerSecond)) images/s  training "
        + "\(Numbers.duration(result.trainingSeconds))  in all \(Numbers.duration(result.wallSeconds))")
    print("model \(folder.final)")
    print("  sha256 \(result.checkpointDigest)")
    print("run   \(folder.path)")
    flush()
  }

  /// A run that had come to its end before.
  func showFinished(_ result: RunResult, folder: RunFolder) {
    print(
      "\(folder.path) is finished: \(Numbers.grouped(result.steps)) steps, test accuracy "
        + "\(Numbers.fixed(result.testAccuracy, 2)) % (\(result.testErrors) errors); nothing was changed, more "
        + "--epochs or --steps would go on")
    print("model \(folder.final)")
    print("  sha256 \(result.checkpointDigest)")
    print("run   \(folder.path)")
    flush()
  }

  func showReport(at path: String) {
    print("report \(path)")
    flush()
  }

  /// The end of a run that a signal stopped.
  func showStop(step: Int, folder: RunFolder) {
    closeLine()
    print(
      "stopped after step \(Numbers.grouped(step)), saved in \(folder.checkpoints); go on with: "
        + "lockstep train --run \(folder.path) --resume")
    flush()
  }

  private func closeLine() {
    if isLineOpen { Console.write("\r\u{1B}[2K") }
    isLineOpen = false
  }

  private func flush() {
    Console.flush()
  }
}
