internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Seconds since 1970.
func wallClock() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// Seconds of processor time that this process has used (`getrusage`).
func processorSeconds() -> Double {
  var usage = rusage()
  // RUSAGE_SELF, which C libraries spell as different types.
  getrusage(__rusage_who_t(0), &usage)
  return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + 1e-6 * Double($1.tv_usec) }
}

/// `host: cores 0-3, 8`: where this process runs and what it is bound to.
func hostAndCores() -> String {
  var name = [CChar](repeating: 0, count: 256)
  gethostname(&name, name.count - 1)
  let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }),
    let cores = line.split(whereSeparator: \.isWhitespace).last
  else { return host }
  return "\(host): \(cores.allSatisfy(\.isNumber) ? "core" : "cores") \(cores)"
}
