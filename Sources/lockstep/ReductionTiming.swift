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
      Measures the links first, then each algorithm with one micro-batch on each rank. The model is told the links' \
      figures and nothing else.
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
    if elements < 1 { throw ValidationError("--elements must be at least 1, found \(elements)") }
    if repeats < 1 { throw ValidationError("--repeats must be at least 1, found \(repeats)") }
  }

  /// What was measured.
  struct Figures: Codable {
    var ranks: Int
    var elements: Int
    var ranksPerNode: Int
    var within: CostModel.Link?
    var between: CostModel.Link?
    /// Seconds by algorithm, measured and expected.
    var measured: [String: Double]
    var expected: [String: Double]
  }

  func run() throws {
    let communicator = try RankProcess.world()
    StallWatchdog.enter("the measurement of links", step: 0)
    let hosts = try communicator.allGather(Array(Reachability.hostName().utf8))
    let perNode = hosts.count { $0 == hosts[0] }
    let neighbour = hosts.indices.dropFirst().first { hosts[$0] == hosts[0] }
    let stranger = hosts.firstIndex { $0 != hosts[0] }
    let peers = [neighbour, stranger].compactMap { $0 }
    let links = try LinkProbe.measure(peers.map { (from: 0, to: $0) }, over: communicator) { 0 }
    func link(_ peer: Int?) -> CostModel.Link? {
      links.first { $0.to == peer }.map(CostModel.Link.init)
    }

    var figures = Figures(
      ranks: communicator.worldSize, elements: elements, ranksPerNode: perNode, within: link(neighbour),
      between: link(stranger), measured: [:], expected: [:])
    let any = figures.within ?? figures.between
    for algorithm in ReductionAlgorithm.allCases {
      figures.measured[algorithm.rawValue] = try measure(algorithm, communicator)
      guard let any else { continue }
      let model = CostModel(
        within: figures.within ?? any, between: figures.between ?? any, ranksPerNode: perNode)
      figures.expected[algorithm.rawValue] = model.reductionSeconds(
        algorithm, ranks: communicator.worldSize, elementCount: elements, leafCount: communicator.worldSize,
        bytesPerElement: gradients == .bfloat16 ? 2 : 4)
    }
    if communicator.rank == 0 { try show(figures) }
    RankProcess.finish(code: 0)
  }

  /// Median over repetitions of the time that the last rank to finish took.
  private func measure(
    _ algorithm: ReductionAlgorithm, _ communicator: any Communicator
  ) throws -> Double {
    let reduction = ReproducibleReduction(
      communicator: communicator, elementCount: elements, maximumLeafCount: communicator.worldSize,
      format: gradients, algorithm: algorithm)
    var times: [Double] = []
    for step in 0..<repeats + 3 {
      StallWatchdog.enter("the reduction", step: step + 1)
      reduction.begin(leafCount: communicator.worldSize)
      for _ in reduction.ownedLeaves { reduction.withNextLeaf { $0.update(repeating: 1, count: elements) } }
      try communicator.barrier()
      let start = MonotonicClock.now()
      _ = try reduction.reduce()
      times.append(MonotonicClock.now() - start)
    }
    let all = try communicator.allGather(numbers: times)
    let latest = (3..<times.count).map { index in all.map { $0[index] }.max() ?? 0 }
    return Spread(latest).median
  }

  private func show(_ figures: Figures) throws {
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
    var table = TextTable([
      ("algorithm", .left), ("measured µs", .right), ("expected µs", .right), ("expected / measured", .right),
    ])
    for algorithm in ReductionAlgorithm.allCases {
      let measured = figures.measured[algorithm.rawValue] ?? 0
      let expected = figures.expected[algorithm.rawValue]
      table.append([
        algorithm.rawValue, Numbers.fixed(measured * 1e6, 1),
        expected.map { Numbers.fixed($0 * 1e6, 1) } ?? "",
        expected.map { Numbers.fixed($0 / max(measured, 1e-9), 2) } ?? "",
      ])
    }
    print(
      "\(figures.ranks) ranks, \(Numbers.grouped(figures.elements)) elements, \(gradients.rawValue)\n"
        + table.text)
  }
}
