/// The processors (hyperthreads) that this process may run on, the cores that they belong to, and how much of
/// their time a container grants.
package struct ProcessorSet: Hashable, Sendable {
  /// Processor numbers.
  package let allowed: [Int]
  /// Names of the physical cores among them, unique on the host: the processors that share each.
  package let coreNames: [String]
  /// Whether the process may run on all processors of the host.
  package let isWholeHost: Bool
  /// A container's share of the processors' time, in cores; nil without a limit.
  package let quota: Int?

  /// A set of processors `allowed` on the cores `coreNames`.
  package init(allowed: [Int], coreNames: [String], isWholeHost: Bool, quota: Int? = nil) {
    self.allowed = allowed
    self.coreNames = coreNames
    self.isWholeHost = isWholeHost
    self.quota = quota
  }

  /// Of this process.
  package init() {
    let allowed = Self.parse(Self.allowedList ?? "0")
    let siblings = allowed.map { processor in
      SystemFile.text("/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list")
        ?? "\(processor)"
    }
    self.init(
      allowed: allowed, coreNames: Set(siblings).sorted(),
      isWholeHost: SystemFile.text("/sys/devices/system/cpu/online").map { Self.parse($0) == allowed }
        ?? false,
      quota: CPUQuota.cores())
  }

  /// How many ranks can compute at the same time: one on each physical core, and no more than a container's
  /// share of time is worth.
  package var cores: Int { max(min(coreNames.count, quota ?? .max), 1) }

  /// Whether another process may be at work on these cores: the host has more processors than this process
  /// may run on, or more time on them than it is granted.
  package var isPartOfHost: Bool { !isWholeHost || cores < coreNames.count }

  /// The processors that this process may run on as the system lists them, e.g. `0-3,8`; nil if it does not
  /// tell.
  package static var allowedList: String? {
    SystemFile.value(of: "Cpus_allowed_list", in: "/proc/self/status")
  }

  /// The processor's name, as the system gives it.
  package static var modelName: String {
    SystemFile.value(of: "model name", in: "/proc/cpuinfo") ?? "unknown processor"
  }

  /// The numbers of a list such as `0-3,8`.
  package static func parse(_ list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }
}
