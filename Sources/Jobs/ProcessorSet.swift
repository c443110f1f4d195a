internal import Foundation

/// The processors (hyperthreads) that this process may run on, and the cores that they belong to.
public struct ProcessorSet: Hashable, Sendable {
  /// Processor numbers.
  public let allowed: [Int]
  /// The number of physical cores among them.
  public let cores: Int
  /// Names of these cores, unique on the host: the processors that share each.
  public let coreNames: [String]
  /// Whether the process may run on all processors of the host.
  public let isWholeHost: Bool

  /// Of this process.
  public init() {
    let text = { (path: String) in
      (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let processors = Self.parse(Self.allowedList ?? "0")
    let siblings = processors.map { processor in
      text("/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list") ?? "\(processor)"
    }
    coreNames = Set(siblings).sorted()
    cores = max(coreNames.count, 1)
    isWholeHost = text("/sys/devices/system/cpu/online").map { Self.parse($0) == processors } ?? false
    allowed = processors
  }

  /// The processors that this process may run on as the system lists them, e.g. `0-3,8`; nil if it does not tell.
  public static var allowedList: String? {
    (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix("Cpus_allowed_list:") }?.split(whereSeparator: \.isWhitespace).last.map(
        String.init)
  }

  /// The processor's name, as the system gives it.
  public static var modelName: String {
    (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
      .map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
  }

  /// The numbers of a list such as `0-3,8`.
  public static func parse(_ list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }
}
