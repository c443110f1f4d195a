import Foundation
import Testing

extension RealRanks {
  /// Which signal does what, by how the job was started: the table in docs/reliability.md. scripts/train becomes
  /// `lockstep launch`.
  @Suite struct SignalTests {
    enum Start: String, CaseIterable, CustomTestStringConvertible {
      case alone
      case mpirun
      case launch
      var testDescription: String { rawValue }
    }

    /// A signal to the process that was started.
    struct Row: CustomTestStringConvertible {
      var signal: Int32
      /// The exit codes when alone, under mpirun, under launch.
      var codes: [Int32]
      var testDescription: String { "\(signal)" }
    }

    private static let rows = [
      Row(signal: SIGINT, codes: [75, 1, 75]),
      Row(signal: SIGTERM, codes: [75, 1, 75]),
      Row(signal: SIGHUP, codes: [75, 1, 75]),
      Row(signal: SIGUSR1, codes: [75, 75, 75]),
    ]

    private func command(_ start: Start, _ run: String, _ more: [String] = []) -> Command {
      let train =
        [
          "train", "--no-report", "--recipe", "linear", "--data", "synthetic:2000", "--validation", "100",
          "--checkpoint-every", "20", "--epochs", "1000000", "--run", run,
        ] + more
      var words =
        switch start {
        case .alone: [Command.binary] + train
        case .mpirun: ["mpirun"] + Command.mpirun(2) + [Command.binary] + train
        case .launch: [Command.binary, "launch", "-n", "2", "--max-restarts", "0", "--"] + train
        }
      // Whoever runs these tests may ignore signals, as nohup does.
      words.insert("--default-signal=HUP,INT,TERM,USR1,USR2", at: 0)
      return Command(executable: "env", arguments: words)
    }

    private func awaitCheckpoint(_ run: String, _ job: Command.Running) {
      while job.process.isRunning, checkpoints(run).isEmpty { usleep(2000) }
    }

    /// Whether the run has written down that it stopped, and the checkpoint of that step is there.
    private func isSaved(_ run: String) throws -> Bool {
      guard let last = try metrics(run).last, last["event"] as? String == "stop",
        let step = last["step"] as? Int
      else { return false }
      return checkpoints(run).contains { $0.hasSuffix("\(step).safetensors") }
    }

    @Test(arguments: rows, Start.allCases)
    func aRequestToStop(_ row: Row, _ start: Start) throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let job = try command(start, run).start()
      awaitCheckpoint(run, job)
      job.signal(row.signal)
      let outcome = try job.wait()
      let expected = row.codes[Start.allCases.firstIndex(of: start) ?? 0]
      #expect(outcome.code == expected, "\(outcome.errors)")
      // mpirun, which ends with 1, kills ranks that take over a second: what was saved before stays in any case.
      #expect(try expected == 75 ? isSaved(run) : !checkpoints(run).isEmpty)
      #expect(try processes(with: run) == "")
    }

    @Test(arguments: Start.allCases)
    func aRequestToSave(_ start: Start) throws {
      let scratch = try ScratchFolder()
      let run = scratch("run")
      let job = try command(start, run).start()
      awaitCheckpoint(run, job)
      job.signal(SIGUSR2)
      job.waitForErrors(containing: "going on")
      #expect(job.process.isRunning)
      job.signal(SIGUSR1)
      let outcome = try job.wait()
      #expect(outcome.code == 75 && outcome.errors.contains("going on"), "\(outcome.errors)")
      #expect(try isSaved(run))
    }
  }
}
