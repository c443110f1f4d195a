/// How much of the processors' time a container (control group) grants its processes.
package enum CPUQuota {
  /// Whole cores' worth of time that this process's container grants; nil without a limit.
  package static func cores() -> Int? {
    let groups = SystemFile.text("/proc/self/cgroup") ?? ""
    let quotas = folders(ofGroups: groups).compactMap { SystemFile.text($0 + "/cpu.max") }
    if !quotas.isEmpty { return quotas.compactMap { cores(cpuMax: $0) }.min() }
    for folder in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"] {
      if let quota = SystemFile.text(folder + "/cpu.cfs_quota_us"),
        let period = SystemFile.text(folder + "/cpu.cfs_period_us")
      {
        return cores(quota: quota, period: period)
      }
    }
    return nil
  }

  /// Where version 2 keeps the limits of a process: its group's folder and those above it, each of which may have a
  /// limit of its own; `groups` is `/proc/self/cgroup`.
  package static func folders(ofGroups groups: String) -> [String] {
    let own = groups.split(separator: "\n").first { $0.hasPrefix("0::/") }?.dropFirst("0::/".count) ?? ""
    let names = own.split(separator: "/")
    // A container's own root is mounted there, so that what the host calls its group need not exist.
    return (0...names.count).map { count in
      (["/sys/fs/cgroup"] + names.prefix(count).map(String.init)).joined(separator: "/")
    }
  }

  /// Version 2's `cpu.max`: microseconds in each period, and the period, as in `200000 100000`; `max` for no
  /// limit.
  package static func cores(cpuMax text: String) -> Int? {
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.count == 2 ? cores(quota: String(words[0]), period: String(words[1])) : nil
  }

  /// Version 1's `cpu.cfs_quota_us`, -1 for no limit, and `cpu.cfs_period_us`.
  ///
  /// A part of a core is worth no rank, but one rank there must be.
  package static func cores(quota: String, period: String) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
    return max(quota / period, 1)
  }
}
