import Datasets
import Files
import Foundation
import TestSupport

/// An IDX file of unsigned bytes.
func idx(_ dimensions: [Int], _ elements: [UInt8], magic: UInt32? = nil) -> [UInt8] {
  let words = [magic ?? UInt32(0x800 + dimensions.count)] + dimensions.map { UInt32($0) }
  return words.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } } + elements
}

/// The four files of a dataset by their MNIST names: the first synthetic digits of seed 5.
func datasetFiles(train: Int, test: Int) -> [String: [UInt8]] {
  var files: [String: [UInt8]] = [:]
  for (split, count, prefix) in [(Dataset.Split.train, train, "train"), (.test, test, "t10k")] {
    let samples = SyntheticDigits(seed: 5).draw(split, 0..<count)
    files["\(prefix)-images-idx3-ubyte"] = idx([count, 28, 28], samples.images)
    files["\(prefix)-labels-idx1-ubyte"] = idx([count], samples.storedLabels(width: 1))
  }
  return files
}

/// Compresses with gzip(1).
func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
  let scratch = try Scratch()
  let source = try scratch.write("data", bytes)
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = ["gzip", "-n", source]
  try process.run()
  process.waitUntilExit()
  return try scratch.read("data.gz")
}

/// Runs `body`, which must fail with a `FileError`, and returns that.
func failure(_ body: () throws -> Void) -> FileError? {
  do {
    try body()
  } catch {
    return error as? FileError
  }
  return nil
}

/// A folder with MNIST if this machine has one: `LOCKSTEP_DATA`, or beside the package.
func folderWithMNIST() -> String? {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let beside = root.deletingLastPathComponent().appendingPathComponent("shared/data/mnist").path
  let candidates = [ProcessInfo.processInfo.environment["LOCKSTEP_DATA"], beside].compactMap { $0 }
  return candidates.first { IDXFile.locate("train-images-idx3-ubyte", in: $0) != nil }
}
