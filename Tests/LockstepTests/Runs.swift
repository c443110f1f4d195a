import Digests
import Foundation

/// SHA-256 of a run's `final.safetensors`, nil if there is none.
func finalDigest(_ run: String) -> String? {
  FileManager.default.contents(atPath: run + "/final.safetensors").map {
    SHA256Digest(of: Array($0)).description
  }
}

/// A run's `result.json`.
func result(_ run: String) throws -> [String: Any] {
  let data = try Data(contentsOf: URL(fileURLWithPath: run + "/result.json"))
  return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
}

/// The lines of a run's `metrics.jsonl`, decoded.
func metrics(_ run: String) throws -> [[String: Any]] {
  let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
  return try text.split(separator: "\n").map {
    try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
  }
}

/// The numbers of the processes that have `words` on their command line when they have had time to end.
func processes(with words: String) throws -> String {
  for _ in 0..<100 {
    if try Command(executable: "pgrep", arguments: ["-f", words]).run().code == 1 { return "" }
    usleep(100_000)
  }
  return try Command(executable: "pgrep", arguments: ["-f", words]).run().output
}

/// The files of a run's checkpoints, oldest first.
func checkpoints(_ run: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")) ?? []).sorted()
}

/// A small problem with everything in it that could depend on the ranks: shifts, dropout, a ragged last batch
/// (400 samples in batches of 72), several epochs.
let smallProblem = [
  "--data", "synthetic:500:3", "--validation", "100", "--global-batch", "72", "--micro-batch", "4",
  "--no-drop-last-batch", "--shift", "2", "--epochs", "3",
  "--network", "conv 8x5 stride 2; relu; dropout 0.25; conv 12x3 same; maxpool 2; relu; dense 10",
]
