import Foundation
import Testing

extension RealRanks {
  /// What a process inherits from whoever starts it must not change what it does, and never without a word.
  @Suite struct EnvironmentTests {
    private let train = "train --data synthetic:600:3 --validation 100 --steps 2 --no-report --run"

    /// `lockstep` called by a shell, which can take away what this process has.
    private func shell(_ script: String) throws -> Command.Outcome {
      try Command(executable: "sh", arguments: ["-c", script]).run()
    }

    @Test(arguments: ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
    func closedDescriptorsEndUpInNoFile(_ closed: String) throws {
      let scratch = try ScratchFolder()
      let outcome = try shell("\(Command.binary) \(train) \(scratch("run")) \(closed)")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try metrics(scratch("run")).compactMap { $0["event"] as? String }.last == "end")
    }

    @Test(arguments: ["describe quick", "--help", "postal --accuracy 99"])
    func outputThatCannotBeWrittenIsAnError(_ words: String) throws {
      let outcome = try shell("\(Command.binary) \(words) >/dev/full")
      #expect(outcome.code == 74)
      #expect(
        outcome.errors.contains("standard output cannot be written: No space left"), "\(outcome.errors)")
    }

    @Test func aFullDiskBehindStandardOutputCostsNoModel() throws {
      let scratch = try ScratchFolder()
      let outcome = try shell("\(Command.binary) \(train) \(scratch("run")) >/dev/full")
      #expect(outcome.code == 74)
      #expect(finalDigest(scratch("run")) != nil)
    }

    @Test func aReaderThatWentAwayIsNoError() throws {
      let scratch = try ScratchFolder()
      let outcome = try shell(
        "{ \(Command.binary) \(train) \(scratch("run")); echo $? >\(scratch("code")); } | true")
      #expect(outcome.code == 0)
      #expect(try String(contentsOfFile: scratch("code"), encoding: .utf8) == "0\n", "\(outcome.errors)")
    }

    @Test(arguments: [
      ("ulimit -s 64", "stack"), ("ulimit -n 16", "open files"), ("ulimit -v 150000", "address space"),
    ])
    func limitsThatAreTooSmallAreNamed(_ limit: String, _ name: String) throws {
      let outcome = try shell("\(limit); exec \(Command.binary) describe quick")
      #expect(outcome.code == 71 && outcome.errors.contains("the limit on \(name)"), "\(outcome.errors)")
    }

    /// OpenBLAS would look for its buffer for ever.
    @Test func aSmallAddressSpaceCostsSpeedAndNotTheModel() throws {
      let scratch = try ScratchFolder()
      let small = try shell("ulimit -v 300000; exec \(Command.binary) \(train) \(scratch("small"))")
      #expect(small.code == 0, "\(small.errors)")
      #expect(try shell("exec \(Command.binary) \(train) \(scratch("large"))").code == 0)
      #expect(
        finalDigest(scratch("small")) != nil && finalDigest(scratch("small")) == finalDigest(scratch("large"))
      )
    }

    @Test func memoryThatIsNotGrantedIsNamed() throws {
      let scratch = try ScratchFolder()
      let outcome = try shell(
        "ulimit -v 700000; exec \(Command.binary) \(train) \(scratch("run")) "
          + "--network 'dense 65536; relu; dense 4096; dense 10'")
      #expect(outcome.code == 71 && outcome.errors.contains("bytes of memory more"), "\(outcome.errors)")
    }

    @Test func aHostAnswersThoughTheEndsOfChildrenWereIgnored() throws {
      let scratch = try ScratchFolder()
      try Data("localhost slots=1\n".utf8).write(to: URL(fileURLWithPath: scratch("hosts")))
      let outcome = try shell("trap '' CHLD; exec \(Command.binary) doctor --hostfile \(scratch("hosts"))")
      #expect(outcome.code == 0 && outcome.output.contains("answers"), "\(outcome.output)\(outcome.errors)")
    }

    @Test func wordsThatAreNoTextAreRefused() throws {
      let outcome = try shell("exec \(Command.binary) train --run \"$(printf 'caf\\351')\"")
      #expect(outcome.code == 64 && outcome.errors.contains("not in UTF-8"), "\(outcome.errors)")
    }

    /// A `~` that no shell has replaced is a name like any other, for all files of a run.
    @Test func aTildeHasOneMeaning() throws {
      let scratch = try ScratchFolder()
      let outcome = try shell("cd \(scratch.path) && exec \(Command.binary) \(train) '~/run'")
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(finalDigest(scratch("~/run")) != nil)
      #expect(try metrics(scratch("~/run")).last?["event"] as? String == "end")
    }

    /// A closed terminal stops a run as SIGTERM does, unless `nohup` said that it should not; a limit of processor time
    /// stops it too.
    @Test func aClosedTerminalSaves() throws {
      let scratch = try ScratchFolder()
      let endless = train.replacing("--steps 2", with: "--epochs 1000000 --checkpoint-every 5")
      let wait =
        "for try in $(seq 2000); do ls $run/checkpoints/step-* >/dev/null 2>&1 && break; sleep 0.02; done"
      let plain = try shell(
        "run=\(scratch("a")); env --default-signal=HUP \(Command.binary) \(endless) $run & p=$!; "
          // Who runs the tests may have been told to outlive a terminal.
          + "\(wait); kill -HUP $p; kill -HUP $p; wait $p"
      )
      #expect(plain.code == 75, "\(plain.errors)")
      let ignored = try shell(
        "run=\(scratch("b")); trap '' HUP; \(Command.binary) \(endless) $run & p=$!; \(wait); kill -HUP $p; "
          + "n=$(ls -t $run/checkpoints | head -1); "
          + "for try in $(seq 2000); do [ $n != \"$(ls -t $run/checkpoints | head -1)\" ] && break; sleep 0.02; done; "
          + "kill -0 $p || exit 1; kill -XCPU $p; wait $p")
      #expect(ignored.code == 75, "\(ignored.errors)")
    }

    /// Every option that brings a number, beside those of recipes: it is accepted, or named.
    @Test(arguments: [
      (
        "train --data /nonexistent",
        ["--checkpoint-every", "--keep", "--verify-every", "--stall-timeout", "--seed"]
      ),
      ("launch --max-restarts 0", ["--ranks", "--max-restarts", "--wait-for-hosts"]),
      ("watch /nonexistent", ["--interval", "--patience"]),
      (
        "scale --project 2 --network nonsense",
        ["--repeats", "--target", "--project", "--ranks-per-node", "--ranks"]
      ),
      ("postal --accuracy 90", ["--digits", "--letters", "--manual-cost", "--misroute-cost"]),
      ("reduction", ["--elements", "--repeats"]), ("grade /nonexistent", ["--limit", "--ranks"]),
    ])
    func optionsBringAnyNumber(_ command: String, _ options: [String]) throws {
      let values = ["nan", "inf", "0", "-1", "9223372036854775807", " "]
      let loop = """
        for option in \(options.joined(separator: " ")); do
          for value in \(values.map { "'\($0)'" }.joined(separator: " ")); do
            text=$(\(Command.binary) \(command) "$option=$value" 2>&1); code=$?
            echo "$code $option '$value': $(echo "$text" | grep -m 1 -i -e error -e lockstep:)"
          done
        done
        """
      let outcome = try shell(loop)
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == options.count * values.count)
      // What a command says of other words once it has accepted the number.
      let others = ["-n must", "expected a command behind --", "--project needs --network"]
      for line in lines {
        let parts = line.split(separator: ": ", maxSplits: 1)
        let (head, sentence) = (parts[0], parts.count > 1 ? parts[1] : "")
        #expect(["0 ", "64 ", "66 "].contains { head.hasPrefix($0) }, "\(line)")
        guard head.hasPrefix("64 ") else { continue }
        let option = head.split(separator: " ")[1]
        #expect(sentence.contains(option) || others.contains { sentence.contains($0) }, "\(line)")
      }
    }
  }
}
