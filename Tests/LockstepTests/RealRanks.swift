import Foundation
import Testing

/// Tests with real processes. They run one after the other: each uses all cores.
@Suite(.serialized) struct RealRanks {}

/// The dataset of tests that read files.
enum TestData {
  /// MNIST's folder where there is one (`LOCKSTEP_DATA`, or beside the checkout), else a folder in the same
  /// format with drawn digits.
  static let folder = mnist ?? drawn

  /// MNIST's folder, if there is one.
  static let mnist: String? = {
    let checkout = Checkout.root
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["LOCKSTEP_DATA"],
      checkout.deletingLastPathComponent().appendingPathComponent("shared/data/mnist").path,
    ]
    return candidates.compactMap { $0 }.first {
      FileManager.default.fileExists(atPath: $0 + "/train-images-idx3-ubyte.gz")
        || FileManager.default.fileExists(atPath: $0 + "/train-images-idx3-ubyte")
    }
  }()

  private static let drawn: String = {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-drawn-\(ProcessInfo.processInfo.processIdentifier)").path
    do {
      try writeIDX(to: folder)
    } catch {
      Issue.record("no dataset could be written to \(folder): \(error)")
    }
    return folder
  }()
}
