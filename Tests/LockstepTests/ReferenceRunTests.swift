import Files
import Foundation
import Runs
import Testing

extension RealRanks {
  /// docs/reference.md beside what real runs write.
  @Suite struct ReferenceRunTests {
    private let page: MarkdownPage
    private let scratch: ScratchFolder

    init() throws {
      page = try MarkdownPage("docs/reference.md")
      scratch = try ScratchFolder()
    }

    /// The paths in a folder, without folders.
    private func files(in folder: String) -> [String] {
      (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isFolder)
          && !isFolder.boolValue
      }
    }

    /// A path as the page has it: what differs from run to run is in capitals.
    private func pattern(_ path: String) -> String {
      path.replacing(/step-\d+/, with: "step-NNNNNN").replacing(/plots\/[a-z-]+\./, with: "plots/NAME.")
        .replacing(/tfevents\..*/, with: "tfevents.*")
    }

    /// What a file in the format of checkpoints says of itself, and its tensors' names.
    private func header(_ path: String) throws -> (metadata: [String: String], tensors: [String]) {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      let count = data.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      let json = try JSONSerialization.jsonObject(with: data[8..<8 + count]) as? [String: Any] ?? [:]
      return (
        json["__metadata__"] as? [String: String] ?? [:], json.keys.filter { $0 != "__metadata__" }
      )
    }

    private func train(_ ranks: Int, _ run: String, _ more: [String], endsWith code: Int32 = 0) throws {
      let words = ["train", "--quiet", "--run", scratch(run)] + smallProblem + more
      let outcome = try Command.ranks(ranks, words).run()
      try #require(outcome.code == code, "\(run): \(outcome.errors)")
    }

    /// Has a run go on without end until its checkpoints are as wanted, and stops it; returns the files that were there then.
    private func stopARun(
      _ run: String, _ more: [String] = [], once isReached: (_ checkpoints: [String]) -> Bool
    ) throws -> [String] {
      let words =
        [
          "train", "--quiet", "--no-report", "--run", scratch(run), "--data", "synthetic:500:3",
          "--validation", "100", "--epochs", "1000000", "--checkpoint-every", "5", "--keep", "100",
        ] + more
      let running = try Command(executable: Command.binary, arguments: words).start()
      while running.process.isRunning, !isReached(checkpoints(scratch(run))) { usleep(2000) }
      let found = files(in: scratch(run))
      running.signal(SIGTERM)
      let outcome = try running.wait()
      try #require(outcome.code == 75, "\(outcome.errors)")
      return found
    }

    /// Runs that begin, go on here and elsewhere, stop, diverge and end: together they write whatever there is to write.
    @Test func whatRunsLeave() throws {
      let keeping = [
        "--patience", "5", "--averaging", "0.9", "--checkpoint-every", "4", "--keep", "100",
      ]
      try train(2, "whole", keeping + ["--tensorboard"])
      let plots = files(in: scratch("whole/plots")).filter { $0.hasSuffix(".svg") }.map {
        String($0.dropLast(4))
      }
      expectSame("plots", page: page.names("A run's folder", table: 1), program: Set(plots))

      let old = scratch("whole/checkpoints/" + checkpoints(scratch("whole"))[1])
      try train(1, "elsewhere", keeping + ["--no-report", "--resume", old])
      let model = ["--no-report", "--from", scratch("whole/final.safetensors"), "--steps", "2"]
      try train(1, "tuned", model + ["--products", "openblas"])
      let diverging = ["--optimizer", "sgd", "--learning-rate", "1e30", "--schedule", "constant"]
      try train(1, "diverged", ["--no-report"] + diverging, endsWith: 78)
      let meanwhile = try stopARun("stopped") { $0.count > 2 }
      let first = scratch("stopped/checkpoints/" + checkpoints(scratch("stopped"))[0])
      _ = try stopARun("stopped", ["--resume", first]) { $0.contains { $0.hasSuffix(".left") } }

      let runs = ["whole", "elsewhere", "tuned", "diverged", "stopped"].map { scratch($0) }
      // A file that is being written, as whoever writes one just now has it.
      let pending = try PendingFile(path: scratch("x"))
      let own = ".x.\(ProcessInfo.processInfo.processIdentifier).tmp"
      #expect(FileManager.default.fileExists(atPath: scratch(own)))
      withExtendedLifetime(pending) {}
      let found = (meanwhile.filter { !$0.hasSuffix(".tmp") } + runs.flatMap { files(in: $0) }).map(pattern)
      expectSame(
        "files", page: page.names("A run's folder"), program: Set(found).union([".NAME.PID.tmp"]))

      try expectMetrics(of: runs)
      let results = try ["whole", "tuned"].reduce(into: Set<String>()) {
        $0.formUnion(jsonKeys(try result(scratch($1))))
      }
      // Of more than 100 classes counts have another form: a unit test's business.
      expectSame(
        "result.json", page: page.names("result.json").filter { !$0.hasPrefix("testConfusion.") },
        program: results)
      try expectReceipts(in: ["whole", "elsewhere"])
      try expectCheckpoints(in: runs)
    }

    private func expectMetrics(of runs: [String]) throws {
      var keys: [String: Set<String>] = [:]
      for line in try runs.flatMap({ try metrics($0) }) {
        keys[line["event"] as? String ?? "", default: []].formUnion(jsonKeys(line))
      }
      expectSame("a step", page: page.names("A step"), program: keys.removeValue(forKey: "step") ?? [])
      expectSame("an epoch", page: page.names("An epoch"), program: keys.removeValue(forKey: "epoch") ?? [])
      expectSame("events", page: page.names("Events"), program: Set(keys.keys))
      let rows = page.rows("Events", table: 1)
      expectSame(
        "fields of events", page: page.names("Events", table: 1),
        program: keys.values.reduce(into: []) { $0.formUnion($1) })
      for row in rows {
        let (field, cell) = (MarkdownPage.code(in: row[0])[0], Set(MarkdownPage.code(in: row[1])))
        let stated = row[1].hasPrefix("all") ? Set(keys.keys).subtracting(cell) : cell
        #expect(stated == Set(keys.filter { $1.contains(field) }.keys), "\(field)")
      }
    }

    private func expectReceipts(in runs: [String]) throws {
      let headers = try runs.map { try header(scratch($0 + "/receipt.safetensors")) }
      let rows = page.rows("receipt.safetensors")
      expectSame(
        "receipts", page: page.names("receipt.safetensors"),
        program: headers.reduce(into: []) { $0.formUnion($1.metadata.keys) })
      #expect(headers.allSatisfy { $0.tensors == ["steps"] })
      let segments = try #require(headers[0].metadata["segments"])
      let keys = jsonKeys(try JSONSerialization.jsonObject(with: Data(segments.utf8)))
      let cell = try #require(rows.first { $0[0] == "`segments`" })[1]
      for key in keys {
        let name = try #require(key.split(separator: ".").last)
        #expect(cell.contains("\"\(name)\""), "\(key)")
      }
    }

    private func expectCheckpoints(in runs: [String]) throws {
      let page = try MarkdownPage("docs/checkpoints.md")
      var (keys, tensors) = (Set<String>(), Set<String>())
      for run in runs {
        for file in files(in: run) where file.hasSuffix(".safetensors") && !file.hasPrefix("receipt") {
          let (metadata, names) = try header("\(run)/\(file)")
          keys.formUnion(metadata.keys)
          tensors.formUnion(names.compactMap { $0.split(separator: ".").first.map(String.init) })
        }
      }
      // Of imported models, and of datasets of other images than MNIST's.
      keys.formUnion([Recipe.importKey, Recipe.imageShapeKey, Recipe.classCountKey])
      expectSame("metadata of checkpoints", page: page.names("Metadata"), program: keys)
      let stems = page.names("Tensors").compactMap { $0.split(separator: ".").first.map(String.init) }
      expectSame("tensors of checkpoints", page: Array(Set(stems)), program: tensors)
    }

    @Test func whatSearchesStudiesAndLaddersLeave() throws {
      let space = """
        {"recipe": {"name": "linear", "validation": 100, "epochs": 1},
         "parameters": {"globalBatch": {"choices": [32, 64]}}}
        """
      try space.write(toFile: scratch("space.json"), atomically: true, encoding: .utf8)
      let problem = ["--", "--data", "synthetic:600", "--validation", "100", "--epochs", "1"]
      let scale = ["scale", "--repeats", "1", "--out", scratch("scale")]
      for words in [
        [
          "tune", scratch("space.json"), "--trials", "2", "--data", "synthetic:600", "--out", scratch("tune"),
        ],
        [
          "study", "--recipe", "linear", "--seeds", "2", "--data", "synthetic:6000", "--out",
          scratch("study"),
        ],
        scale + ["--ranks", "1"] + problem, scale + ["--project", "8", "--network", "10gbit,20us"] + problem,
      ] {
        let outcome = try Command(executable: Command.binary, arguments: words).run()
        try #require(outcome.code == 0, "\(words): \(outcome.errors)")
      }
      for command in ["tune", "study", "scale"] {
        expectSame(
          command, page: page.names("The folder of \(command)"), program: Set(files(in: scratch(command))))
      }
    }
  }
}
