internal import Checkpoints
internal import Digests
internal import Files
internal import Foundation
package import Runs

/// How a receipt lies on the disk: a file in the format of checkpoints, with a tensor `steps` of 64-bit integers,
/// [steps, 2]: the hashes of each step's gradient and of its parameters.
extension Receipt {
  /// The metadata's name, in checkpoints, for the link after their steps, and here for the last one.
  package static let linkKey = "receipt"
  private static let firstStepKey = "firstStep"
  private static let baseKey = "base"
  private static let segmentsKey = "segments"
  private static let stepsName = "steps"

  /// Writes it to `path` at once or not at all.
  ///
  /// - Throws: `RunError` with exit code 73 or 74 if that cannot be.
  func write(to path: String) throws(RunError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let text = try? encoder.encode(segments) else { preconditionFailure("segments are text") }
    var metadata = [
      Self.linkKey: lastLink.description, Self.firstStepKey: "\(firstStep)",
      Self.segmentsKey: String(decoding: text, as: UTF8.self),
    ]
    metadata[Self.baseKey] = base?.description
    let contents = CheckpointContents(
      tensors: [TensorDescription(name: Self.stepsName, elementType: .int64, shape: [digests.count, 2])],
      metadata: metadata, data: digests.flatMap(\.bytes)[...])
    do throws(FileError) {
      try CheckpointFile.write(contents, to: path)
    } catch {
      throw RunError(error)
    }
  }

  /// Reads a receipt's file.
  ///
  /// - Throws: `RunError` with exit code 66 if there is none, 65 if it is no receipt, or one whose link is not that of its
  ///   steps.
  package init(reading path: String) throws(RunError) {
    let file: CheckpointFile
    do throws(FileError) { file = try CheckpointFile(reading: path) } catch { throw RunError(error) }
    guard let receipt = Self.receipt(in: file.contents) else {
      throw RunError("\(path): expected a run's receipt, found another file", exitCode: 65)
    }
    guard receipt.lastLink.description == file.contents.metadata[Self.linkKey] else {
      throw RunError(
        "\(path): its steps lead to the link \(receipt.lastLink), expected "
          + "\(file.contents.metadata[Self.linkKey] ?? "none")", exitCode: 65)
    }
    self = receipt
  }

  private static func receipt(in contents: CheckpointContents) -> Receipt? {
    let metadata = contents.metadata
    guard let first = metadata[firstStepKey].flatMap({ Int($0) }), (0...Recipe.mostSteps).contains(first),
      let segments = metadata[segmentsKey].flatMap({
        try? JSONDecoder().decode([Segment].self, from: Data($0.utf8))
      }),
      let steps = contents[stepsName], steps.description.elementType == .int64,
      steps.description.shape.count == 2, steps.description.shape[1] == 2
    else { return nil }
    let base = metadata[baseKey].map { SHA256Digest(digits: $0) }
    if case .some(nil) = base { return nil }
    let digests = steps.bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / 16).map { step in
        func hash(_ offset: Int) -> UInt64 {
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16 * step + offset, as: UInt64.self))
        }
        return StepDigest(gradient: hash(0), parameters: hash(8))
      }
    }
    return Receipt(from: first, base: base ?? nil, segments: segments, digests: digests)
  }

  /// The receipt of a run, as far as it has come: by its records, or where these have none, by its file.
  ///
  /// - Throws: `RunError` with exit code 66 if there is no run and no receipt, 65 if there is one without a receipt, or if
  ///   records and file tell different steps.
  package init(of folder: RunFolder) throws {
    let hasFile = FileManager.default.fileExists(atPath: folder.receipt)
    let history = !hasFile || folder.isUsed ? try RunHistory(folder: folder) : nil
    let recorded = history.flatMap { Receipt($0) }
    let filed = hasFile ? try Receipt(reading: folder.receipt) : nil
    if let recorded, let filed {
      // The file is of the end that the run came to; with more epochs it has gone on since.
      for step in max(recorded.firstStep, filed.firstStep)...max(recorded.lastStep, filed.lastStep) {
        guard let own = recorded[step: step], let other = filed[step: step], own != other else { continue }
        throw RunError(
          "\(folder.receipt) and \(folder.metrics) tell different things of step \(step): \(other) and \(own)",
          exitCode: 65)
      }
    }
    guard let receipt = recorded ?? filed else {
      throw RunError(
        "\(folder.path) has no receipt: a version of Lockstep wrote it that kept none", exitCode: 65)
    }
    self = receipt
    if let stated = history?.result?.receipt, history?.result?.steps == lastStep,
      stated != lastLink.description
    {
      throw RunError(
        "\(folder.result): expected the receipt's last link, \(lastLink), found \(stated)", exitCode: 65)
    }
  }
}
