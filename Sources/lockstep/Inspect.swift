import ArgumentParser
import Checkpoints
import Digests
import Formatting
import Foundation
import Reports
import Runs
import Training

/// `lockstep inspect`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a checkpoint holds and verify its digest; of two, show what differs.",
    discussion: """
      Examples:
        lockstep inspect runs/quick/final.safetensors
        lockstep inspect a.safetensors b.safetensors       exit code 1 if they differ
      """)

  @Argument(help: ArgumentHelp("One or two checkpoints.", valueName: "file"))
  var files: [String]

  func validate() throws {
    guard (1...2).contains(files.count) else {
      throw ValidationError("expected one or two files, found \(files.count)")
    }
  }

  func run() throws {
    let checkpoints = try files.map { try CheckpointFile(reading: $0) }
    guard checkpoints.count == 2 else {
      show(checkpoints[0])
      return
    }
    let difference = CheckpointDifference(between: checkpoints[0].contents, and: checkpoints[1].contents)
    if difference.isEmpty {
      print("equal")
      return
    }
    for text in difference.metadata {
      print("\(text.key): \(text.first ?? "none") | \(text.second ?? "none")")
    }
    for tensor in difference.tensors {
      print("\(tensor.name): \(words(tensor.change))")
    }
    throw ExitCode(1)
  }

  private func words(_ change: CheckpointDifference.TensorChange) -> String {
    switch change {
    case .onlyInFirst: "only in the first"
    case .onlyInSecond: "only in the second"
    case .description(let first, let second):
      "\(first.elementType.rawValue) \(first.shape) | \(second.elementType.rawValue) \(second.shape)"
    case .elements(let differing, let count, let maximum):
      "\(differing) of \(count) values differ, by up to \(Float(maximum))"
    }
  }

  private func show(_ checkpoint: CheckpointFile) {
    let contents = checkpoint.contents
    print("\(checkpoint.path): \(Numbers.grouped(checkpoint.byteCount)) bytes, digest verified")
    print("digest: \(checkpoint.digest)")
    for (key, value) in contents.metadata.sorted(by: { $0.key < $1.key }) {
      print("\(key): \(value)")
    }
    if let receipt = Receipt(beside: checkpoint) {
      print("receipt beside it: \(receipt.lastLink), of \(Numbers.grouped(receipt.digests.count)) steps")
    }
    print()
    var table = TextTable([("tensor", .left), ("shape", .left), ("values", .right), ("norm", .right)])
    var sum = 0
    for tensor in contents.tensors {
      let values = contents[tensor.name]?.doubles ?? []
      let norm = values.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
      table.append([
        tensor.name, tensor.shape.map(String.init).joined(separator: "×"),
        Numbers.grouped(tensor.count),
        Numbers.fixed(norm, 4),
      ])
      sum += tensor.count
    }
    table.appendRule()
    table.append(["sum", "", Numbers.grouped(sum), ""])
    print(table.text, terminator: "")
  }
}
