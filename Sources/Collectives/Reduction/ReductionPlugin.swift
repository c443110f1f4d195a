internal import CReductionPlugin
package import Files

/// A reduction that a user brings: a shared library with a C function over an MPI communicator (`lockstep_reduction.h`).
///
/// What it sends is counted through MPI's profiling interface, in `CReductionPlugin`.
package final class ReductionPlugin {
  /// The library's path.
  package let path: String
  private let function: UnsafeMutableRawPointer

  /// The version of the interface that a plugin must have been compiled for.
  package static var version: Int { Int(creduction_version) }

  /// What a plugin's function is called, and what it must look like.
  private static let declaration = "int lockstep_all_reduce(float *, int, MPI_Comm)"

  /// Loads a library.
  ///
  /// - Throws: `FileError`: `missing` if it cannot be read, `malformed` if it is no plugin of this version.
  package init(path: String) throws(FileError) {
    _ = try ReadableFile(path: path)
    var (function, version): (UnsafeMutableRawPointer?, Int32) = (nil, 0)
    var reason = [CChar](repeating: 0, count: 512)
    // Without a slash the linker would look in its own folders.
    let outcome = creduction_load(
      path.contains("/") ? path : "./" + path, &function, &version, &reason, reason.count)
    let loaded = Int(outcome)
    guard loaded == CREDUCTION_LOADED, let function else {
      throw FileError(.malformed, Self.sentence(path, outcome: loaded, version: Int(version), reason: reason))
    }
    self.path = path
    self.function = function
  }

  private static func sentence(_ path: String, outcome: Int, version: Int, reason: [CChar]) -> String {
    switch outcome {
    case CREDUCTION_NO_FUNCTION:
      return
        "\(path) has no function lockstep_all_reduce: expected \(declaration), as in lockstep_reduction.h"
    case CREDUCTION_NO_VERSION:
      return
        "\(path) does not say which version of lockstep_reduction.h it was compiled for: include that file, and "
        + "compile again"
    case CREDUCTION_OTHER_VERSION:
      return
        "\(path) was compiled for version \(version) of lockstep_reduction.h, expected \(Self.version): compile it "
        + "again with the header of this program"
    default:
      let words = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return "\(path) cannot be loaded as a reduction plugin: \(words)"
    }
  }

  /// Has it replace values by their sums over the ranks of `communicator`, an `MPI_Comm` of its own.
  ///
  /// - Throws: `CommunicatorError` if it says that it failed, or MPI did while it ran; `describe` has MPI's words for a code.
  func callAsFunction(
    _ values: UnsafeMutableBufferPointer<Float>, over communicator: UnsafeMutableRawPointer,
    describe: (Int32) -> String
  ) throws(CommunicatorError) {
    guard let count = Int32(exactly: values.count) else {
      throw failure("\(values.count) floats in one call, expected at most \(Int32.max)")
    }
    var error: Int32 = 0
    let code = creduction_call(function, values.baseAddress, count, communicator, &error)
    if error != 0 { throw failure("MPI failed in lockstep_all_reduce: \(describe(error))") }
    if code != 0 { throw failure("lockstep_all_reduce returned \(code), expected 0") }
  }

  private func failure(_ words: String) -> CommunicatorError {
    CommunicatorError(call: CommunicatorError.pluginCall, reason: "\(path): \(words)")
  }

  /// Whether a plugin runs in this process right now; signal handlers may ask.
  package static var isRunning: Bool { creduction_is_running() != 0 }
}

/// What plugins have sent and received in this process.
package struct PluginTraffic: Hashable, Sendable, Codable {
  /// Messages from point to point that were sent, and their bytes.
  package var messages = 0
  package var bytes = 0
  /// Receives from point to point that were begun.
  package var receives = 0
  /// Calls of MPI's collective operations, by name: what these send is MPI's own affair.
  package var collectives: [String: Int] = [:]
  /// The bytes that this rank gave them.
  package var collectiveBytes = 0

  package init() {}

  /// What has been counted so far.
  package static var current: PluginTraffic {
    let counts = creduction_get_traffic()
    var traffic = PluginTraffic()
    (traffic.messages, traffic.bytes) = (Int(counts.messages), Int(counts.bytes))
    traffic.receives = Int(counts.receives)
    traffic.collectiveBytes = Int(counts.collective_bytes)
    var (number, calls): (Int32, Int64) = (0, 0)
    while let name = creduction_collective(number, &calls) {
      if calls > 0 { traffic.collectives[String(cString: name)] = Int(calls) }
      number += 1
    }
    return traffic
  }

  /// What was counted between two moments.
  package static func - (end: PluginTraffic, start: PluginTraffic) -> PluginTraffic {
    var difference = PluginTraffic()
    difference.messages = end.messages - start.messages
    difference.bytes = end.bytes - start.bytes
    difference.receives = end.receives - start.receives
    difference.collectiveBytes = end.collectiveBytes - start.collectiveBytes
    difference.collectives = end.collectives.merging(start.collectives) { $0 - $1 }.filter { $0.value > 0 }
    return difference
  }
}
