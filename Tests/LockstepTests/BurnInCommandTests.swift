import Foundation
import Testing

extension RealRanks {
  /// `lockstep burn-in`, as whoever accepts a cluster sees it.
  @Suite struct BurnInCommandTests {
    private let variable = "LOCKSTEP_BURN_IN_FAULT"

    @Test func soundRanksPass() throws {
      let outcome = try Command.ranks(3, ["burn-in", "--minutes", "0.02"]).run()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(/\n\S+ +3 +[0-9,]+ +0 +[0-9,]+ +[0-9,]+–[0-9,]+/), "\(outcome.output)")
      #expect(outcome.output.contains("\nPASS: all bits were right in "), "\(outcome.output)")
      let alone = try Command.alone("burn-in", "--minutes", "0.01").run()
      #expect(alone.code == 0 && alone.output.contains("PASS"), "\(alone.output)\(alone.errors)")
    }

    @Test func aRankThatComputesWrongFails() throws {
      var command = Command.ranks(3, ["burn-in", "--minutes", "0.02"])
      command.environment[variable] = "1:0.2:random"
      let outcome = try command.run()
      #expect(outcome.code == 1, "\(outcome.errors)")
      #expect(
        outcome.output.contains(/computes wrong: [0-9,]+ of its [0-9,]+ leaves, on rank 1\nFAIL in/),
        "\(outcome.output)")
      #expect(outcome.errors.contains("computes wrong: "), "\(outcome.errors)")
    }

    /// Real hosts of the lab, one of them with a fault: in a table, and in JSON.
    @Test(.enabled(if: Lab.isAvailable, "needs root")) func theNodeWithAFaultIsNamed() throws {
      let lab = try Lab(hosts: 3)
      func run(_ fault: String, _ more: [String] = []) throws -> Command.Outcome {
        var command = lab.ranks(3, ["burn-in", "--minutes", "0.04"] + more)
        command.environment[variable] = fault
        return try command.run()
      }
      let wrong = try run("1:0.1:stuck")
      #expect(wrong.code == 1, "\(wrong.errors)")
      #expect(wrong.output.contains(/\nnode2 computes wrong: .* on rank 1\n/), "\(wrong.output)")
      #expect(!wrong.output.contains("node1 computes") && !wrong.output.contains("node3 computes"))

      struct Report: Decodable {
        struct Node: Decodable {
          var name: String
          var messages: Int
          var wrongMessages: Int
        }
        var nodes: [Node]
        var undecided: Int
      }
      let wire = try run("2:0.5:wire", ["--json"])
      #expect(wire.code == 1, "\(wire.errors)")
      let report = try JSONDecoder().decode(Report.self, from: Data(wire.output.utf8))
      #expect(report.nodes.map(\.name) == ["node1", "node2", "node3"] && report.undecided == 0)
      #expect(report.nodes.allSatisfy { $0.messages > 0 } && report.nodes.contains { $0.wrongMessages > 0 })
    }

    /// Whoever stops it gets what is known by then.
    @Test(arguments: [SIGUSR1, SIGINT]) func aStopShowsTheTableSoFar(_ signal: Int32) throws {
      let job = try Command.ranks(2, ["burn-in", "--minutes", "5"]).start()
      _ = job.waitForOutput(containing: "burn-in: 1 node")
      job.signal(signal)
      let outcome = try job.wait()
      #expect(
        outcome.output.contains("least–most") && outcome.output.contains("STOPPED before "),
        "\(outcome.output)")
      if signal == SIGUSR1 { #expect(outcome.code == 75, "\(outcome.errors)") }
    }

    @Test func aDrillThatIsNoneIsExplained() throws {
      var command = Command.alone("burn-in", "--minutes", "0.01")
      command.environment[variable] = "1"
      let outcome = try command.run()
      #expect(outcome.code == 64 && outcome.errors.contains("expected RANK:SHARE:KIND"), "\(outcome.errors)")
    }
  }
}
