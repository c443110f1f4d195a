internal import Files
internal import Foundation

/// Options of a run that are no part of its recipe, and hold from its start to its end whatever breaks it: `options.json` in
/// its folder. Those that were not given are nil, and have their defaults.
package struct RunOptions: Codable, Hashable, Sendable {
  /// Steps between checkpoints, besides those at the ends of epochs; 0 for none.
  package var checkpointEvery: Int?
  /// The newest checkpoints that are kept.
  package var keep: Int?
  /// Steps between comparisons of the ranks' parameters.
  package var verifyEvery: Int?
  /// Whether events for TensorBoard are written.
  package var tensorboard: Bool?
  /// Whether a report is written at the end.
  package var report: Bool?
  /// How gradients are added up, `reproducible` or `native`.
  package var reduction: String?
  /// The shared library that adds them up, by its absolute path.
  package var reductionPlugin: String?
  /// Where the samples are: the absolute path of a folder, or `synthetic…`.
  package var data: String?

  package init() {}

  /// These options, and for those that were not given what `others` say.
  package func filled(from others: RunOptions) -> RunOptions {
    var options = self
    options.take(others, where: self)
    return options
  }

  /// What `filled(from: others)` takes from `others`.
  package func gaps(filledFrom others: RunOptions) -> RunOptions {
    var options = RunOptions()
    options.take(others, where: self)
    return options
  }

  /// Takes from `others` what `given` lacks.
  private mutating func take(_ others: RunOptions, where given: RunOptions) {
    if given.checkpointEvery == nil { checkpointEvery = others.checkpointEvery }
    if given.keep == nil { keep = others.keep }
    if given.verifyEvery == nil { verifyEvery = others.verifyEvery }
    if given.tensorboard == nil { tensorboard = others.tensorboard }
    if given.report == nil { report = others.report }
    // Two words for one thing: who gives one of them takes back the other.
    if given.reduction == nil, given.reductionPlugin == nil {
      (reduction, reductionPlugin) = (others.reduction, others.reductionPlugin)
    }
    if given.data == nil { data = others.data }
  }

  /// The words of `lockstep train` that give these options.
  package var words: [String] {
    func flag(_ value: Bool?, _ name: String) -> [String] {
      value.map { [($0 ? "--" : "--no-") + name] } ?? []
    }
    func option(_ value: (some CustomStringConvertible)?, _ name: String) -> [String] {
      value.map { ["--\(name)", "\($0)"] } ?? []
    }
    return option(checkpointEvery, "checkpoint-every") + option(keep, "keep")
      + option(verifyEvery, "verify-every") + flag(tensorboard, "tensorboard") + flag(report, "report")
      + option(reduction, "reduction") + option(reductionPlugin, "reduction-plugin") + option(data, "data")
  }

  /// Checks the numbers, which somebody may have edited.
  fileprivate func validate(origin: String) throws(RunError) {
    let numbers = [
      ("checkpointEvery", checkpointEvery, 0), ("keep", keep, 1), ("verifyEvery", verifyEvery, 1),
    ]
    for (key, value, least) in numbers {
      guard let value, value < least else { continue }
      throw RunError("\(origin): '\(key)' must be at least \(least), found \(value)", exitCode: 65)
    }
  }
}

extension RunFolder {
  /// The options that hold for the whole run; nil if it has none on record.
  ///
  /// - Throws: `RunError` with exit code 65 if the file is none of a run, 66 or 74 if it cannot be read.
  package func readOptions() throws(RunError) -> RunOptions? {
    guard FileManager.default.fileExists(atPath: options) else { return nil }
    let bytes: [UInt8]
    do throws(FileError) { bytes = try readFile(options) } catch { throw RunError(error) }
    guard let read = try? JSONDecoder().decode(RunOptions.self, from: Data(bytes)) else {
      throw RunError(
        "\(options): expected the options of a run, as in {\"checkpointEvery\": 100}, found other text",
        exitCode: 65)
    }
    try read.validate(origin: options)
    return read
  }

  /// Writes the options down, if there are any.
  ///
  /// - Throws: `RunError` with exit code 73 or 74 if the file cannot be written.
  func write(_ options: RunOptions) throws(RunError) {
    guard options != RunOptions() else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(options) else {
      preconditionFailure("options are numbers and words, yet cannot be encoded")
    }
    do throws(FileError) { try writeFile(data + [UInt8(ascii: "\n")], to: self.options) } catch {
      throw RunError(error)
    }
  }
}
