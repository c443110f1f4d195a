import Foundation
import Testing

/// A reduction plugin that a test compiles.
private func plugin(_ name: String, in scratch: ScratchFolder, _ source: String? = nil) throws -> String {
  let course = Checkout.root.appendingPathComponent("docs/course").path
  var file = "\(course)/\(name).c"
  if let source {
    file = scratch("\(name).c")
    try Data(source.utf8).write(to: URL(fileURLWithPath: file))
  }
  let library = scratch("\(name).so")
  let outcome = try Command(
    executable: "mpicc",
    // What stands in docs/course gives no warning.
    arguments: (source == nil ? ["-Wall", "-Wextra", "-Werror"] : []) + [
      "-O2", "-fPIC", "-shared", "-I", course, "-o", library, file,
    ]
  ).run()
  try #require(outcome.code == 0, "\(outcome.errors)")
  return library
}

/// A plugin's source around what its function does.
private func source(_ body: String) -> String {
  """
  #include "lockstep_reduction.h"
  #include <unistd.h>
  int lockstep_all_reduce(float *values, int count, MPI_Comm communicator) {
    int rank, size;
    MPI_Comm_rank(communicator, &rank);
    MPI_Comm_size(communicator, &size);
    \(body)
  }
  """
}

private let whole =
  "MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, communicator);"

extension RealRanks {
  /// `lockstep grade`, as a student sees it.
  @Suite struct GradeTests {
    private struct Report: Decodable {
      struct Traffic: Decodable {
        var messages: Int
        var bytes: Int
        var receives: Int
        var collectives: [String: Int]
        var collectiveBytes: Int
      }
      struct Time: Decodable {
        var count: Int
        var seconds: Double
      }
      struct Figures: Decodable {
        var order: String
        var agreesOnRepetition: Bool
        var trafficCount: Int
        var traffic: [Traffic]
        var times: [Time]
      }
      struct Outcome: Decodable {
        var ranks: Int
        var faults: [String]
        var figures: Figures?
      }
      var isRight: Bool
      var outcomes: [Outcome]
    }

    private func grade(
      _ library: String, ranks: String, _ more: [String] = []
    ) throws -> (code: Int32, report: Report, errors: String) {
      let outcome = try Command(
        executable: Command.binary, arguments: ["grade", library, "--ranks", ranks, "--json"] + more
      ).run()
      let data = Data(outcome.output.utf8)
      let report = try? JSONDecoder().decode(Report.self, from: data)
      return (outcome.code, try #require(report, "\(outcome.output)\(outcome.errors)"), outcome.errors)
    }

    /// What the course's reductions send, in messages and in floats of `count`, by rank of `ranks`.
    @Test(arguments: ["naive", "tree", "ring"])
    func theCoursesReductionsAreRightAndCounted(_ name: String) throws {
      let scratch = try ScratchFolder()
      let (code, report, errors) = try grade(try plugin(name, in: scratch), ranks: "2,3,4")
      #expect(code == 0 && report.isRight, "\(report.outcomes.flatMap(\.faults)) \(errors)")
      #expect(report.outcomes.map(\.ranks) == [2, 3, 4])
      let last = try #require(report.outcomes.last?.figures)
      #expect(last.order == ["naive": "rank order", "tree": "tree", "ring": "ring"][name])
      #expect(last.agreesOnRepetition && last.times.count == 3 && last.times.allSatisfy { $0.seconds > 0 })
      let messages = ["naive": [3, 1, 1, 1], "tree": [2, 1, 2, 1], "ring": [6, 6, 6, 6]][name]
      #expect(last.traffic.map(\.messages) == messages)
      #expect(last.traffic.allSatisfy { $0.collectives.isEmpty })
      let bytes = last.traffic.map(\.bytes)
      let all = 4 * last.trafficCount
      #expect(bytes.reduce(0, +) == 6 * all)
      if name == "ring" { for own in bytes { #expect(abs(own - all * 3 / 2) <= 32) } }
    }

    @Test func mpisOwnReductionIsRightAndNamed() throws {
      let scratch = try ScratchFolder()
      let library = try plugin("native", in: scratch, source(whole + "return 0;"))
      let (code, report, _) = try grade(library, ranks: "1,3")
      #expect(code == 0)
      #expect(
        report.outcomes[1].figures?.traffic.map(\.collectives)
          == Array(repeating: ["MPI_Allreduce": 1], count: 3))
      let figures = try #require(report.outcomes[1].figures)
      #expect(figures.traffic.allSatisfy { $0.collectiveBytes == 4 * figures.trafficCount })
      let table = try Command.alone("grade", library, "--ranks", "2").run()
      #expect(table.code == 0 && table.output.hasSuffix("PASS\n"), "\(table.output)")
      #expect(table.output.contains("note: MPI_Allreduce does some of the work"))
      #expect(table.output.contains("expected: naive"))
    }

    @Test(arguments: [
      ("nothing", "return 0;", "the sum of 1 float is wrong on rank 0"),
      ("outside", whole + "values[count] = 1; return 0;", "writes outside the array of 1 float"),
      (
        "differs", whole + "if (rank == 1 && count > 3) values[3] *= 1 + 1e-7f; return 0;",
        "has other bits on rank 1 than on rank 0"
      ),
      (
        "leaves", whole + "if (rank == 0) MPI_Send(values, 1, MPI_FLOAT, 1, 9, communicator); return 0;",
        "rank 1 leaves a message unreceived"
      ),
      ("fails", "if (count == 2) return 7 * rank; \(whole) return 0;", "lockstep_all_reduce returned"),
      (
        "misuses", "MPI_Bcast(values, count, MPI_FLOAT, size, communicator); return 0;",
        "MPI failed in lockstep_all_reduce: MPI_ERR_ROOT"
      ),
      (
        "crashes", "if (count == 3) *(volatile int *)8 = 1; \(whole) return 0;",
        "the reduction plugin crashed"
      ),
    ])
    func whatIsWrongIsSaid(_ name: String, _ body: String, _ words: String) throws {
      let scratch = try ScratchFolder()
      let (code, report, errors) = try grade(try plugin(name, in: scratch, source(body)), ranks: "3")
      #expect(code == 1 && !report.isRight)
      #expect(
        report.outcomes[0].faults.contains { $0.contains(words) }, "\(report.outcomes[0].faults) \(errors)")
    }

    /// Rank 1 waits for a message that nobody sends, in a loop that no signal ends.
    @Test func whatHangsIsEndedAndNamed() throws {
      let scratch = try ScratchFolder()
      let body =
        "if (rank == 1 && count == 3) for (;;) sleep(1); if (count == 3) return 0; \(whole) return 0;"
      let (code, report, errors) = try grade(
        try plugin("hangs", in: scratch, source(body)), ranks: "2,3", ["--limit", "3"])
      #expect(code == 1 && report.outcomes.count == 2, "\(errors)")
      #expect(
        report.outcomes[0].faults == [
          "rank 1 hangs: no end within 3 s in a sum of 3 floats, while rank 0 returned"
        ])
      let left = try Command(executable: "pgrep", arguments: ["-f", "grade \(scratch.path)"]).run()
      #expect(left.output == "")
    }

    /// Sums in the order in which messages come are right, and another time others.
    @Test func anOrderOfArrivalIsFound() throws {
      let scratch = try ScratchFolder()
      let body = """
        float other[count];
        if (rank == 0) {
          for (int left = size - 1; left > 0; left--) {
            MPI_Recv(other, count, MPI_FLOAT, MPI_ANY_SOURCE, 0, communicator, MPI_STATUS_IGNORE);
            for (int i = 0; i < count; i++) values[i] += other[i];
          }
        } else MPI_Send(values, count, MPI_FLOAT, 0, 0, communicator);
        MPI_Bcast(values, count, MPI_FLOAT, 0, communicator);
        return 0;
        """
      let outcome = try Command.alone(
        "grade", try plugin("arrival", in: scratch, source(body)), "--ranks", "4"
      ).run()
      #expect(outcome.code == 0, "\(outcome.output)")
      #expect(outcome.output.contains("do not always give the same bits"), "\(outcome.output)")
    }

    @Test(.enabled(if: Lab.isAvailable, "needs root")) func ranksAreHostsOfTheLab() throws {
      let scratch = try ScratchFolder()
      let lab = Checkout.root.appendingPathComponent("cluster/lab/lab").path
      let (code, report, errors) = try grade(
        try plugin("ring", in: scratch), ranks: "3", ["--network", "100mbit,2ms", "--lab", lab])
      #expect(code == 0, "\(report.outcomes.flatMap(\.faults)) \(errors)")
      // Four messages one behind the other, each of which takes two milliseconds.
      let time = try #require(report.outcomes[0].figures?.times.first)
      #expect(time.count == 1 && time.seconds > 0.004)
    }

    @Test(arguments: [
      (["/nonexistent.so"], Int32(66), "/nonexistent.so: cannot be read"),
      (["ring.so", "--ranks", "2,x"], 64, "--ranks: expected different numbers"),
      (["ring.so", "--network", "fast"], 64, "found 'fast'"),
      (["ring.so", "--limit", "0"], 64, "--limit must be"),
    ])
    func wrongUseIsExplained(_ words: [String], _ code: Int32, _ sentence: String) throws {
      let outcome = try Command(executable: Command.binary, arguments: ["grade"] + words).run()
      #expect(outcome.code == code && outcome.errors.contains(sentence), "\(outcome.code) \(outcome.errors)")
    }
  }

  /// `train --reduction-plugin`.
  @Suite struct ReductionPluginTests {
    private func train(_ ranks: Int, _ library: String, _ run: String, _ more: [String] = []) -> Command {
      Command.ranks(
        ranks,
        [
          "train", "--data", "synthetic:1000", "--validation", "100", "--steps", "12", "--no-report", "--run",
          run,
          "--reduction-plugin", library,
        ] + more)
    }

    /// The ring of two ranks adds the same two numbers as MPI: the same model.
    @Test func aPluginTrainsTheModelOfMPIsReduction() throws {
      let scratch = try ScratchFolder()
      let ring = try train(2, try plugin("ring", in: scratch), scratch("ring")).run()
      #expect(ring.code == 0, "\(ring.errors)")
      let native = try Command.ranks(
        2,
        [
          "train", "--data", "synthetic:1000", "--validation", "100", "--steps", "12", "--no-report", "--run",
          scratch("native"), "--reduction", "native",
        ]
      ).run()
      #expect(native.code == 0, "\(native.errors)")
      #expect(
        finalDigest(scratch("ring")) != nil && finalDigest(scratch("ring")) == finalDigest(scratch("native")))
      let three = try train(3, try plugin("tree", in: scratch), scratch("tree")).run()
      #expect(three.code == 0, "\(three.errors)")
    }

    /// Each fault is told once, by one sentence.
    @Test(arguments: [
      (
        "none", Int32(65),
        "has no function lockstep_all_reduce: expected int lockstep_all_reduce(float *, int, MPI_Comm)"
      ),
      ("version", 65, "was compiled for version 99 of lockstep_reduction.h, expected 1"),
      ("silent", 65, "does not say which version of lockstep_reduction.h"),
      ("text", 65, "cannot be loaded as a reduction plugin: "),
      ("missing", 66, "cannot be read: "),
    ])
    func whatIsNoPluginIsRefused(_ kind: String, _ code: Int32, _ words: String) throws {
      let scratch = try ScratchFolder()
      var library = scratch("missing.so")
      switch kind {
      case "none":
        library = try plugin("none", in: scratch, "#include \"lockstep_reduction.h\"\n")
      case "version":
        let text =
          "#include \"lockstep_reduction.h\"\nconst int lockstep_reduction_version = 99;\n"
          + "int lockstep_all_reduce(float *v, int n, MPI_Comm c) { return 0; }\n"
        library = try plugin(
          "version", in: scratch,
          text.replacing(
            "#include \"lockstep_reduction.h\"\n", with: "#include <mpi.h>\n"))
      case "silent":
        library = try plugin(
          "silent", in: scratch,
          "#include <mpi.h>\nint lockstep_all_reduce(float *v, int n, MPI_Comm c) { return 0; }\n")
      case "text":
        library = scratch("text.so")
        try Data("no library".utf8).write(to: URL(fileURLWithPath: library))
      default: break
      }
      let outcome = try train(2, library, scratch("run")).run()
      #expect(outcome.code == code && outcome.errors.contains(words), "\(outcome.code) \(outcome.errors)")
      #expect(outcome.errors.components(separatedBy: "lockstep:").count == 2, "\(outcome.errors)")
    }

    @Test func aPluginThatFailsEndsTheJobWithItsCode() throws {
      let scratch = try ScratchFolder()
      let library = try plugin("fails", in: scratch, source("if (rank == 1) return 5; \(whole) return 0;"))
      let outcome = try train(2, library, scratch("run"), ["--stall-timeout", "20"]).run()
      #expect(outcome.code == 70, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          "lockstep: rank 1: the reduction plugin: \(library): lockstep_all_reduce returned 5"),
        "\(outcome.errors)")
    }

    @Test func aPluginThatHangsEndsTheJobAfterTheStallTimeout() throws {
      let scratch = try ScratchFolder()
      let library = try plugin("hangs", in: scratch, source("for (;;) sleep(1);"))
      let outcome = try train(2, library, scratch("run"), ["--stall-timeout", "2"]).run()
      #expect(outcome.code == 76, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /for 2 s in the reduction of step 1 \(lockstep_all_reduce of the plugin\), so the job ends/),
        "\(outcome.errors)")
    }

    @Test func sumsThatDifferAmongRanksAreNoticed() throws {
      let scratch = try ScratchFolder()
      let library = try plugin(
        "differs", in: scratch, source(whole + "if (rank == 2) values[9] += 1; return 0;"))
      let outcome = try train(3, library, scratch("run")).run()
      #expect(outcome.code == 70, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          "the sums differ among the ranks in step 1: rank 2 has other bits than rank 0 and 1"),
        "\(outcome.errors)")
      #expect(outcome.errors.components(separatedBy: "lockstep:").count == 2, "\(outcome.errors)")
    }

    @Test func withoutMPIThereIsNothingToCall() throws {
      let outcome = try Command.alone("train", "--reduction-plugin", "ring.so").run()
      #expect(outcome.code == 64 && outcome.errors.contains("start it under mpirun"), "\(outcome.errors)")
    }
  }
}
