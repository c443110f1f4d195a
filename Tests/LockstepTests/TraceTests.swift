import Foundation
import Testing

extension RealRanks {
  /// `train --trace`.
  @Suite struct TraceTests {
    private struct Trace: Decodable {
      struct Event: Decodable {
        struct Arguments: Decodable {
          var step: Int?
          var name: String?
        }
        var name: String
        var ph: String
        var pid: Int
        /// Microseconds.
        var ts: Double?
        var dur: Double?
        var args: Arguments
      }
      var traceEvents: [Event]
    }

    /// Each rank's phases follow one another without overlap and add up to what result.json says; both ranks' reductions
    /// of a step meet.
    @Test(arguments: ["reproducible", "native"])
    func phasesOfAllRanksOnOneTimeLine(_ reduction: String) throws {
      let scratch = try ScratchFolder()
      let outcome = try Command.ranks(
        2,
        ["train", "--quiet", "--no-report", "--run", scratch("run"), "--trace", scratch("trace.json")]
          + ["--reduction", reduction] + smallProblem
      ).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      let events = try JSONDecoder().decode(
        Trace.self, from: Data(contentsOf: URL(fileURLWithPath: scratch("trace.json")))
      ).traceEvents
      let names = events.filter { $0.name == "process_name" }.compactMap(\.args.name)
      #expect(names.count == 2 && names[0].hasPrefix("rank 0, ") && names[1].hasPrefix("rank 1, "))
      let times = try #require(try result(scratch("run"))["rankTimes"] as? [[String: Any]])
      var waits: [[Int: ClosedRange<Double>]] = []
      for rank in 0..<2 {
        let spans = events.filter { $0.ph == "X" && $0.pid == rank }.sorted { ($0.ts ?? 0) < ($1.ts ?? 0) }
        for (one, next) in zip(spans, spans.dropFirst()) {
          // Written to the nanosecond.
          #expect((one.ts ?? 0) + (one.dur ?? 0) <= (next.ts ?? 0) + 0.0021)
        }
        let phases = try #require(times[rank]["phases"] as? [String: Double])
        for name in ["data", "forward", "backward", "reduction", "wait", "update"] {
          let sum = spans.filter { $0.name == name }.reduce(0) { $0 + ($1.dur ?? 0) } / 1e6
          #expect(abs(sum - (phases[name] ?? 0)) < 1e-4 + 0.01 * sum, "\(name) of rank \(rank)")
        }
        waits.append([:])
        for span in spans where span.name == "wait" {
          let (start, step) = (span.ts ?? 0, span.args.step ?? 0)
          let old = waits[rank][step] ?? start...start
          waits[rank][step] = old.lowerBound...(start + (span.dur ?? 0))
        }
      }
      #expect(waits[0].count == waits[1].count && waits[0].count > 10)
      for (step, wait) in waits[0] { #expect(waits[1][step]?.overlaps(wait) == true, "step \(step)") }
    }

    @Test func aPlaceThatCannotBeWrittenIsRefusedAtTheStart() throws {
      let scratch = try ScratchFolder()
      let outcome = try Command.ranks(
        2, ["train", "--run", scratch("run"), "--trace", scratch("none/trace.json")] + smallProblem
      ).run()
      #expect(outcome.code == 73 && outcome.errors.contains("--trace"), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: scratch("run/metrics.jsonl")))
    }
  }
}
