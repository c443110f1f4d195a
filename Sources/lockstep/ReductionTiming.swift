import ArgumentParser
import Collectives
import Files
import Formatting
import Foundation
import Jobs
import Reports
import Runs
import Scaling
import Tensors
import Training

/// `lockstep reduction`: the reduction by itself, beside what the cost model expects of it.
struct ReductionTiming: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reduction",
    abstract: "Time the gradients' reduction alone, and compare it with the cost model.",
    discussion: """
      Examples:
        mpirun -n 4 lockstep reduction
        mpirun --hostfile hosts -n 8 lockstep reduction --elements 1200000
      Measures the links and the memory that a node's ranks share, then the reduction with one micro-batch on each \
      rank: by messages alone with each algorithm, through memory within nodes, and by MPI_Allreduce, for comparison. The \
      model is told the figures of links and memory and nothing else.
      """)

  @Option(help: "Floats in the flat buffer. Default: those of quick.")
  var elements = (try? Recipe.named("quick")?.flatElementCount()) ?? 1

  @Option(help: "How often to reduce; the table shows medians.")
  var repeats = 50

  @Option(help: "The precision of gradient sums: float32 or bfloat16.")
  var gradients = GradientFormat.float32

  @Flag(help: "Print JSON instead of a table.")
  var json = false

  func validate() throws {
    try require("--elements", elements, in: 1...1 << 30)
    try require("--repeats", repeats, in: 1...1_000_000)
  }

  func run() throws {
    let communicator = try RankProcess.world()
    let figures = try ReductionFigures.measure(
      over: communicator, host: LocalHost.name, elements: elements, repeats: repeats, format: gradients)
    if communicator.rank == 0 { try show(figures) }
    RankProcess.finish(code: 0)
  }

  private func show(_ figures: ReductionFigures) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      print(String(decoding: try encoder.encode(figures), as: UTF8.self))
      return
    }
    for (place, link) in [("within a node", figures.within), ("between nodes", figures.between)] {
      guard let link else { continue }
      print(
        "\(place): \(Numbers.fixed(link.latencySeconds * 1e6, 1)) µs, "
          + "\(Numbers.fixed(link.bytesPerSecond * 8 / 1e9, 3)) Gbit/s, "
          + "\(Numbers.fixed(link.messageSeconds * 1e6, 2)) µs for each further message")
    }
    if let window = figures.window {
      print(
        "in memory that a node's ranks share: \(Numbers.fixed(window.barrierSeconds * 1e6, 2)) µs for a round of a "
          + "barrier, \(Numbers.fixed(window.bytesPerSecond / 1e9, 1)) GB/s for each rank that reads what others wrote"
      )
    }
    var table = TextTable([
      ("algorithm", .left), ("measured µs", .right), ("expected µs", .right), ("expected / measured", .right),
    ])
    for name in ReductionAlgorithm.allCases.map(\.rawValue)
      + [ReductionFigures.memoryName, ReductionFigures.nativeName]
    {
      guard let measured = figures.measured[name] else { continue }
      let expected = figures.expected[name]
      table.append([
        name, Numbers.fixed(measured * 1e6, 1),
        expected.map { Numbers.fixed($0 * 1e6, 1) } ?? "",
        expected.map { Numbers.fixed($0 / max(measured, 1e-9), 2) } ?? "",
      ])
    }
    print(
      "\(figures.ranks) ranks, \(Numbers.grouped(figures.elements)) elements, \(gradients.rawValue)\n"
        + table.text)
  }
}
