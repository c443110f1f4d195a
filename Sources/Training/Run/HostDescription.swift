internal import Jobs

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
  let host = LocalHost.name
  guard let cores = ProcessorSet.allowedList else { return host }
  return "\(host): \(cores.allSatisfy(\.isNumber) ? "core" : "cores") \(cores)"
}

/// Lets others have the processor for a while.
func pause(milliseconds: UInt32) {
  usleep(1000 * milliseconds)
}
