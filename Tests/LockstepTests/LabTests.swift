import Foundation
import Testing

extension RealRanks {
  /// Ranks on several hosts over TCP, and what happens to them.
  @Suite(.enabled(if: Lab.isAvailable, "needs root")) struct LabTests {
    /// Long enough to be interrupted, and saving often. What a step does depends on how many there are in all, so a
    /// run and its continuation need the same number.
    private func flags(_ run: String, epochs: Int = 30) -> [String] {
      [
        "train", "--data", "synthetic:2000", "--validation", "200", "--epochs", "\(epochs)",
        "--checkpoint-every", "20", "--run", run,
      ]
    }

    /// The digest of a run that nothing happens to.
    private func undisturbed(_ scratch: ScratchFolder) throws -> String? {
      let outcome = try Command(executable: Command.binary, arguments: flags(scratch("whole"))).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      return finalDigest(scratch("whole"))
    }

    private func awaitCheckpoint(_ run: String) {
      for _ in 0..<2000 where checkpoints(run).isEmpty { usleep(5000) }
    }

    /// The newest checkpoint is whole, and going on from it ends where an undisturbed run ends.
    private func expectToGoOn(_ run: String, _ scratch: ScratchFolder, lab: Lab) throws {
      #expect(try lab.leftovers() == [])
      let resumed = try Command.ranks(2, flags(run) + ["--resume"]).run()
      #expect(resumed.code == 0 && !resumed.errors.contains("damaged"), "\(resumed.errors)")
      let digest = try undisturbed(scratch)
      #expect(digest != nil && finalDigest(run) == digest)
    }

    @Test func hostsTrainTheSameModelOverTCP() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 4))
      let sent = { (text: String) in
        text.split(separator: "\n").compactMap { line in Int(line.split(separator: " ")[2]) }
      }
      let before = sent(try lab("bytes"))
      // Shares after speeds would be more subtrees.
      let outcome = try lab.ranks(4, flags(scratch("run"), epochs: 5) + ["--deal", "equal"]).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      let after = sent(try lab("bytes"))
      let alone = try Command(executable: Command.binary, arguments: flags(scratch("alone"), epochs: 5)).run()
      #expect(alone.code == 0 && finalDigest(scratch("run")) == finalDigest(scratch("alone")))
      // The least that an all-reduce of quick's gradients sends, and not much more: 29,330 floats, 28 steps an epoch.
      let least = 2 * 3 * 4 * 29_330 / 4 * 28 * 5
      for (before, after) in zip(before, after) {
        #expect(after - before > least && after - before < least * 3 / 2, "\(after - before) of \(least)")
      }
    }

    /// Hosts of several ranks, which share memory: between hosts one rank of each speaks.
    @Test func ranksOfAHostShareMemoryAndOneSpeaksForAll() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 2, "--slots", "3"))
      let sent = {
        try lab("bytes").split(separator: "\n").compactMap { line in Int(line.split(separator: " ")[2]) }
      }
      let before = try sent()
      let outcome = try lab.ranks(4, flags(scratch("run"), epochs: 5) + ["--deal", "equal"]).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      let after = try sent()
      // A host of two ranks and one of three.
      let five = try lab.ranks(5, flags(scratch("five"), epochs: 5)).run()
      try #require(five.code == 0, "\(five.errors)")
      #expect(finalDigest(scratch("five")) == finalDigest(scratch("run")))
      let alone = try Command(executable: Command.binary, arguments: flags(scratch("alone"), epochs: 5)).run()
      #expect(alone.code == 0 && finalDigest(scratch("run")) == finalDigest(scratch("alone")))
      // Two parties: each sends the other half of its sum, and half of the result.
      let least = 4 * 29_330 * 28 * 5
      for (before, after) in zip(before, after) {
        #expect(after - before > least && after - before < least * 3 / 2, "\(after - before) of \(least)")
      }
    }

    /// Where memory in common can't be had, ranks say so, and train the same model by messages.
    @Test func aHostWithoutSharedMemoryTrainsTheSame() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 2, "--slots", "2"))
      try lab("exec", "2", "mount", "-o", "remount,size=2m", "/dev/shm")
      let outcome = try lab.ranks(4, flags(scratch("run"), epochs: 2)).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.errors.contains("ranks of a node share no memory (rank 1: /dev/shm has"), "\(outcome.errors)")
      let alone = try Command(executable: Command.binary, arguments: flags(scratch("alone"), epochs: 2)).run()
      #expect(alone.code == 0 && finalDigest(scratch("run")) == finalDigest(scratch("alone")))
    }

    /// One host is made slow by short vectors, which give the same bits: its share becomes smaller.
    @Test func sharesFollowTheHostsSpeeds() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 2))
      func shares(_ run: String, _ more: [String]) throws -> [Double] {
        let words = flags(run, epochs: 8) + ["--global-batch", "256", "--products", "own"] + more
        let script = """
          [ $OMPI_COMM_WORLD_RANK = 0 ] || export LOCKSTEP_LANES=4
          exec \(Command.binary) \(words.joined(separator: " "))
          """
        let outcome = try lab.command(
          ["run", "--quiet", "-n", "2", "--map-by", "node", "sh", "-c", script]
        ).run()
        try #require(outcome.code == 0, "\(outcome.errors)")
        let last = try metrics(run).last { $0["event"] as? String == "epoch" }
        return try #require(last?["shares"] as? [Double])
      }
      // Speeds are measured: where other programs take what the quick host is quicker by, another look tells.
      var (byNeed, run) = ([0.5, 0.5], "")
      for attempt in 0..<4 where byNeed[0] <= 0.54 {
        run = scratch("run-\(attempt)")
        byNeed = try shares(run, [])
      }
      #expect(byNeed[0] > 0.54 && byNeed[0] + byNeed[1] == 1, "\(byNeed)")
      let equal = try shares(scratch("equal"), ["--deal", "equal"])
      #expect(equal == [0.5, 0.5])
      #expect(finalDigest(run) != nil && finalDigest(run) == finalDigest(scratch("equal")))
    }

    @Test func aRankKilledOnAnotherHostEndsTheJob() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      let job = try lab.ranks(3, flags(scratch("run"))).start()
      awaitCheckpoint(scratch("run"))
      try lab("exec", "2", "pkill", "-KILL", "-x", "lockstep")
      #expect(try job.wait().code == 137)
      try expectToGoOn(scratch("run"), scratch, lab: lab)
    }

    /// A rank that is there, reachable, and does nothing.
    @Test func aRankStoppedOnAnotherHostIsNamed() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      let job = try lab.ranks(3, flags(scratch("run")) + ["--stall-timeout", "2"]).start()
      awaitCheckpoint(scratch("run"))
      try lab("exec", "2", "pkill", "-STOP", "-x", "lockstep")
      let outcome = try job.wait()
      #expect(outcome.code == 76, "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /lockstep: rank [02] on node[13]: no answer from (some rank|rank .*) for 2 s in .* of step \d+/),
        "\(outcome.errors)")
      try expectToGoOn(scratch("run"), scratch, lab: lab)
    }

    /// Nobody hears from a host without power or cable: no connection is closed.
    @Test(arguments: ["kill", "cut"])
    func aLostHostEndsTheJob(_ fault: String) throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      let job = try lab.ranks(3, flags(scratch("run")) + ["--stall-timeout", "2"]).start()
      awaitCheckpoint(scratch("run"))
      try lab(fault, "3")
      let outcome = try job.wait()
      // mpirun may wait for the lost host's daemon, and is then killed.
      #expect([76, 137, 205].contains(outcome.code), "\(outcome.errors)")
      #expect(
        outcome.errors.contains(
          /lockstep: rank [01] on node[12]: no answer from (some rank|rank .*) for 2 s in .* of step \d+/),
        "\(outcome.errors)")
      try expectToGoOn(scratch("run"), scratch, lab: lab)
    }

    @Test func launchGoesOnWithoutALostHost() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      let hostfile = try lab("hostfile").trimmingCharacters(in: .newlines)
      let ssh = try lab("ssh").trimmingCharacters(in: .newlines)
      let job = try lab.command(
        ["exec", "1", Command.binary, "launch", "--hostfile", hostfile, "--ssh", ssh, "-n", "3", "--"]
          + flags(scratch("run"), epochs: 120) + ["--stall-timeout", "2"]
      ).start()
      awaitCheckpoint(scratch("run"))
      try lab("kill", "3")
      let outcome = try job.wait()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("lockstep launch: no answer from node3"), "\(outcome.errors)")
      let whole = flags(scratch("whole"), epochs: 120)
      #expect(try Command.ranks(2, whole).run().code == 0)
      #expect(
        finalDigest(scratch("run")) != nil && finalDigest(scratch("run")) == finalDigest(scratch("whole")))
    }

    /// Ranks are killed at random, and twice a host's cable is pulled until the job has gone on without it.
    @Test(.enabled(if: Lab.isThorough, "slow: scripts/test --all"))
    func aStormWithCutCablesDoesNotChangeTheModel() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      let run = scratch("run")
      let hostfile = try lab("hostfile").trimmingCharacters(in: .newlines)
      let ssh = try lab("ssh").trimmingCharacters(in: .newlines)
      var command = lab.command(
        [
          "exec", "1", Command.binary, "launch", "--hostfile", hostfile, "--ssh", ssh, "-n", "3", "--storm",
          "3", "--max-restarts", "20", "--",
        ] + flags(run, epochs: 60) + ["--stall-timeout", "2"])
      // On a busy machine an attempt gets little done.
      command.limit = 400
      let job = try command.start()
      for times in 1...2 {
        let before = Set(checkpoints(run))
        while job.process.isRunning, before.isSuperset(of: checkpoints(run)) { usleep(5000) }
        try lab("cut", "3")
        job.waitForErrors(containing: "lockstep launch: no answer from node3", times: times)
        try lab("heal", "3")
      }
      let outcome = try job.wait()
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(
        outcome.errors.components(separatedBy: "no answer from node3\n").count > 2
          && outcome.errors.contains(/3 ranks on node1, node2, node3: ended after/)
          && outcome.errors.contains(/storm: \d+ kills?, [1-9]\d* restarts?, .* in all, .* of them lost/),
        "\(outcome.errors)")
      let whole = flags(scratch("whole"), epochs: 60)
      #expect(try Command.ranks(2, whole).run().code == 0)
      #expect(finalDigest(run) != nil && finalDigest(run) == finalDigest(scratch("whole")))
      #expect(try lab.leftovers() == [])
    }

    /// The root is killed until it was five times in the middle of writing a checkpoint: what is there is always good
    /// to go on from.
    @Test(.enabled(if: Lab.isThorough, "slow: scripts/test --all"))
    func theRootKilledWhileWritingLeavesAGoodCheckpoint() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 2))
      let run = scratch("run")
      // A checkpoint after every step, of more steps than there is time for.
      let flags = flags(run, epochs: 10_000).map { $0 == "20" ? "1" : $0 } + ["--resume"]
      func unfinished() -> Set<String> { Set(checkpoints(run).filter { $0.hasSuffix(".tmp") }) }
      func finished() -> [String] { checkpoints(run).filter { $0.hasSuffix(".safetensors") } }
      var interruptions = 0
      for _ in 0..<50 where interruptions < 5 {
        let (before, left) = (Set(finished()), unfinished())
        let job = try lab.ranks(2, flags).start()
        // Until it has saved something, and is writing again.
        while job.process.isRunning, before.isSuperset(of: finished()) || left.isSuperset(of: unfinished()) {
          usleep(500)
        }
        try lab("exec", "1", "pkill", "-KILL", "-x", "lockstep")
        let outcome = try job.wait()
        #expect(outcome.code == 137, "\(outcome.errors)")
        if !left.isSuperset(of: unfinished()) { interruptions += 1 }
        let newest = try #require(finished().max())
        let inspected = try Command.alone("inspect", "\(run)/checkpoints/\(newest)").run()
        #expect(inspected.code == 0, "\(inspected.errors)")
      }
      #expect(interruptions == 5)
      #expect(try lab.leftovers() == [])
    }

    @Test func aFullDiskEndsTheJobAndKeepsWhatWasSaved() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 2))
      let run = Lab.local + "/small"
      // Only node1, where the root is, writes: room for two checkpoints of quick.
      try lab("exec", "1", "mkdir", run)
      try lab("exec", "1", "mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs", run)
      let outcome = try lab.ranks(2, flags(run + "/run") + ["--keep", "100"]).run()
      #expect(outcome.code == 74, "\(outcome.errors)")
      #expect(outcome.errors.contains("lockstep: ") && outcome.errors.contains(run), "\(outcome.errors)")
      try lab("exec", "1", "cp", "-r", run + "/run", scratch("run"))
      try expectToGoOn(scratch("run"), scratch, lab: lab)
    }

    @Test func aReadOnlyFolderEndsTheJobBeforeItTrains() throws {
      let lab = try Lab(hosts: 2)
      let folder = Lab.local + "/fixed"
      try lab("exec", "1", "mkdir", folder)
      try lab("exec", "1", "mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder)
      let outcome = try lab.ranks(2, flags(folder + "/run")).run()
      #expect(outcome.code == 73 && outcome.errors.contains(folder), "\(outcome.errors)")
      #expect(outcome.errors.components(separatedBy: "lockstep:").count == 2, "\(outcome.errors)")
    }

    /// The same path, another content on each host.
    @Test func hostsWithoutTheDatasetAreSentTheirShareAndADamagedOneIsNamed() throws {
      let (scratch, lab) = (try ScratchFolder(), try Lab(hosts: 3))
      try TestData.writeIDX(to: scratch("data"))
      let data = Lab.local + "/data"
      for host in ["1", "2"] { try lab("exec", host, "cp", "-r", scratch("data"), data) }
      let words = ["train", "--validation", "500", "--steps", "10", "--data"]
      let some = try lab.ranks(3, words + [data, "--run", scratch("some")]).run()
      try #require(some.code == 0, "\(some.errors)")
      let all = try Command(
        executable: Command.binary, arguments: words + [scratch("data"), "--run", scratch("all")]
      ).run()
      #expect(all.code == 0 && finalDigest(scratch("some")) == finalDigest(scratch("all")))

      // A label of the part that rank 1 of the two readers reads.
      try lab(
        "exec", "2", "sh", "-c",
        "printf M | dd of=\(data)/train-labels-idx1-ubyte bs=1 seek=6008 conv=notrunc 2>&1")
      let outcome = try lab.ranks(3, words + [data, "--run", scratch("damaged")]).run()
      #expect(outcome.code == 65, "\(outcome.errors)")
      #expect(
        outcome.errors.contains("78 (\(data)/train-labels-idx1-ubyte has label 77 (sample 6,000))"),
        "\(outcome.errors)")
      #expect(try lab.leftovers() == [])
    }
  }
}
