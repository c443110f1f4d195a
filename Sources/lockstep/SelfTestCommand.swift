import ArgumentParser
import Collectives
import Files
import Formatting
import Foundation
import Jobs
import Reports
import Runs
import Tensors
import Training

/// `lockstep selftest`.
struct SelfTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Tell whether this machine, or each rank of an mpirun, computes the same models as any other.",
    discussion: """
      Examples:
        lockstep selftest
        mpirun --hostfile hosts -n 8 lockstep selftest
      Every rank trains all named recipes for 20 steps by itself, on digits that Lockstep draws, and compares their \
      parameters with those that it ships. Exit code 1: some rank computes something else.
      """)

  @OptionGroup var productOptions: ProductOptions

  @Flag(help: "Print what the root's parameters are, and compare nothing.")
  var digests = false

  func run() throws {
    try productOptions.choose()
    // Whoever multiplies in another way is what this is there to tell.
    let communicator = try RankProcess.world(sameArguments: false)
    communicator.willEnter("the self-test", step: 0)
    let start = MonotonicClock.now()
    let outcomes = try Recipe.names.map { try SelfTest.run($0) }
    let seconds = MonotonicClock.now() - start
    if digests {
      if communicator.rank == 0 {
        for outcome in outcomes { print("\(outcome.recipe) \(outcome.digest)") }
      }
      RankProcess.finish(code: 0)
    }
    let wrong = outcomes.filter { !$0.isRight }.map(\.recipe).joined(separator: ", ")
    let report = [LocalHost.name, Products.shared.description, wrong].joined(separator: "\n")
    let reports = try communicator.allGather(Array(report.utf8)).map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
        String.init)
    }
    if communicator.rank == 0 { show(reports, count: outcomes.count, seconds: seconds) }
    RankProcess.finish(code: reports.allSatisfy { $0[2].isEmpty } ? 0 : 1)
  }

  private func show(_ reports: [[String]], count: Int, seconds: Double) {
    var table = TextTable([("rank", .right), ("host", .left), ("products", .left), ("", .left)])
    for (rank, report) in reports.enumerated() {
      table.append([
        "\(rank)", report[0], report[1], report[2].isEmpty ? "the same" : "other bits: \(report[2])",
      ])
    }
    print(table.text)
    let odd = reports.indices.filter { !reports[$0][2].isEmpty }
    if odd.isEmpty {
      let who = reports.count == 1 ? "this machine computes" : "all \(reports.count) ranks compute"
      print("\(who) the same \(count) models as ours, in \(Numbers.fixed(seconds, 1)) s")
    } else {
      let ranks = odd.map(String.init).joined(separator: ", ")
      print("rank \(ranks) \(odd.count == 1 ? "computes" : "compute") other models than ours")
    }
    Console.flush()
  }
}
