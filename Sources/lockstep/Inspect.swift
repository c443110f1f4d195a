import ArgumentParser
import Checkpoints
import Foundation
import Reports

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
    let contents = try files.map { try CheckpointFile.read($0) }
    guard contents.count == 2 else {
      show(contents[0])
      return
    }
    let difference = CheckpointDifference(contents[0], contents[1])
    if difference.isEmpty {
      print("equal")
      return
    }
    for line in difference.lines { print(line) }
    throw ExitCode(1)
  }

  private func show(_ contents: CheckpointContents) {
    print("\(files[0]): digest verified")
    for (key, value) in contents.metadata.sorted(by: { $0.key < $1.key }) {
      print("\(key): \(value)")
    }
    print()
    var table = TextTable([("tensor", .left), ("shape", .left), ("values", .right), ("norm", .right)])
    var sum = 0
    for tensor in contents.tensors {
      let norm = tensor.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      table.append([
        tensor.name, tensor.shape.map(String.init).joined(separator: "×"),
        Numbers.grouped(tensor.values.count),
        Numbers.fixed(norm, 4),
      ])
      sum += tensor.values.count
    }
    table.appendRule()
    table.append(["sum", "", Numbers.grouped(sum), ""])
    print(table.text, terminator: "")
  }
}
